//! A run that is kept, as a response.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::run::state::Status;
use crate::domain::thread::command::Page;
use crate::domain::thread::id::{RunId, ThreadRef};
use crate::domain::thread::view::{ItemView, RunView};
use crate::domain::time::Millis;
use crate::http::problem::Problem;
use crate::ports::World;
use crate::service::App;
use crate::service::threads::{Error, MAX_OF_RUN, Visitor};
use crate::wire::client::responses::{Base, Ending, Of, Response, Rest, response_id, shown};
use crate::wire::to_json;

/// The field of a kept run's request under which this protocol has its own.
pub const OF_RUN: &str = "responses";
/// The most items of a run that are shown.
const MAX_ITEMS: usize = 20_000;

pub fn seconds(at: Millis) -> i64 {
    at.0.div_euclid(1_000)
}

/// How a run stands, as a response: one that waits for its client's tools has said all it has to say.
pub fn ending(run: &RunView) -> Ending {
    let failed =
        || run.error.as_ref().map(|error| (error.code.clone(), error.message.clone())).unwrap_or_default();
    match run.status {
        Status::Queued => Ending::Queued,
        Status::Waiting if run.waiting_on.iter().any(|one| one["kind"] == "tool_output") => Ending::Completed,
        Status::InProgress | Status::Waiting | Status::Paused => Ending::InProgress,
        Status::Completed => Ending::Completed,
        Status::Incomplete => run.reason.map_or(Ending::Incomplete("unknown"), Ending::incomplete),
        Status::Failed => {
            let (code, message) = failed();
            Ending::Failed(code, message)
        }
        Status::Cancelled => Ending::Cancelled,
    }
}

/// What the response says again of its request.
pub fn base_of(run: &RunView, slug: &str) -> Base {
    let own = run.request.as_ref().and_then(|request| request.get(OF_RUN)?.as_object());
    let mut base = own.cloned().map_or_else(Base::unknown, Base);
    base.default("model", || json!(slug));
    base
}

/// The tools that the client runs of which the run waits.
pub fn own_tools(run: &RunView) -> BTreeSet<String> {
    let waiting = run.waiting_on.iter().filter(|one| one["kind"] == "tool_output");
    waiting.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
}

/// The response as it is now, as JSON.
pub async fn whole<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    run: RunView,
    slug: &str,
) -> Result<Vec<u8>, Problem> {
    let base = base_of(&run, slug);
    let own: BTreeSet<String> = base.tools().map(str::to_owned).chain(own_tools(&run)).collect();
    let items = items_of(app, visitor, run.id).await.map_err(Problem::report(app))?;
    let output = shown(&items, Of::Output, |name| own.contains(name));
    let usage = usage_of(app, visitor, &run).await.map_err(Problem::report(app))?;
    let (ending, id) = (ending(&run), response_id(&run.id));
    Ok(to_json(&Response {
        id: &id,
        created_s: seconds(run.created_at),
        completed_s: run.ended_at.map(seconds),
        base: &base,
        output: Rest::Shown(&output),
        usage,
        ending: &ending,
        warnings: &run.warnings,
        cached: false,
    }))
}

/// What was said to a run, and what it said and did.
pub async fn items_of<W: World>(app: &App<W>, visitor: &Visitor, run: RunId) -> Result<Vec<ItemView>, Error> {
    let (thread, mut all) = (ThreadRef::Key(run.thread), Vec::<ItemView>::new());
    loop {
        let after = all.last().map(|item| item.id);
        let page = Page { after, newest_first: false, limit: MAX_OF_RUN, run: Some(run.number) };
        let (items, has_more) = visitor.items(app, &thread, page).await?;
        let is_end = items.is_empty() || !has_more || all.len() >= MAX_ITEMS;
        all.extend(items);
        if is_end {
            return Ok(all);
        }
    }
}

/// What its model calls have used, by its journal.
async fn usage_of<W: World>(
    app: &App<W>,
    visitor: &Visitor,
    run: &RunView,
) -> Result<Option<(Usage, Nanos)>, Error> {
    let (mut usage, mut after, mut is_known) = (Usage::default(), 0, false);
    loop {
        let (steps, next) = visitor.steps(app, run.id, after).await?;
        let read = |step: &Map<String, Value>| step.get("usage").and_then(|of| Usage::deserialize(of).ok());
        let calls = steps.iter().filter_map(|step| step.get("model_call")?.as_object());
        for of in calls.filter_map(read) {
            (usage, is_known) = (usage.plus(of), true);
        }
        match next {
            Some(next) => after = next,
            None => return Ok(is_known.then_some((usage, run.cost_usd))),
        }
    }
}
