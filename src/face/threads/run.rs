//! Runs: started, looked at, steered.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::events::stream;
use super::{Head, json, read, read_optional, serve};
use crate::domain::run::event::asks;
use crate::domain::run::manner::Manner;
use crate::domain::run::state::Status;
use crate::domain::thread::command::{Events, Outcome};
use crate::domain::thread::view::RunView;
use crate::face::Operations;
use crate::face::once::{self, OnceHeader};
use crate::http::problem::{self, Kind, Problem};
use crate::http::query::{Reads, query};
use crate::ports::{Threads, Watch, World};
use crate::service::App;
use crate::service::threads::{Begin, Course, Error, On, Place, Visitor};
use crate::wire::client::threads::{InputsBody, PriorityBody, ReasonBody, StartBody};

/// How often a run is watched again for an answer that waits, and the pause where its object is away.
const MAX_WATCHES: u32 = 50;
const AWAY_MS: u64 = 500;
/// The longest that an answer waits for a run.
const MAX_WAIT_MS: u64 = 10 * 60_000;

pub fn operations<W: World>(v: &mut impl Operations<W>) {
    v.operation(__path_start, start::<W>);
    v.members_operation(__path_show, show::<W>);
    v.members_operation(__path_cancel, cancel::<W>);
    v.members_operation(__path_pause, pause::<W>);
    v.members_operation(__path_resume, resume::<W>);
    v.members_operation(__path_prioritize, prioritize::<W>);
    v.members_operation(__path_give, give::<W>);
    v.members_operation(__path_steps, steps::<W>);
}

/// A body that says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Start a run
///
/// Answers when the run ends or waits for something (201), at once with `background` (202), or with a stream of its events.
/// A run goes on whether or not its caller stays.
#[utoipa::path(
    post, operation_id = "start_run", path = "/threads/{thread}/runs", tag = "threads", request_body = StartBody,
    params(("thread" = String, Path, description = "Your name for it, or its id; a new name makes the thread"), OnceHeader),
    responses(
        (status = 201, description = "The run, over or waiting", body = RunView),
        (status = 202, description = "The run, with `background`", body = RunView),
    )
)]
async fn start<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let thread = at.thread()?;
        let key = thread.key(visitor.account);
        let (visitor, request) = once::taken(visitor, request).await?;
        let body: StartBody = read(request).await?;
        let (is_stream, is_background) = (body.stream == Some(true), body.background == Some(true));
        let started = body.read().map_err(Problem::invalid)?;
        let begin = Begin {
            on: On::Thread(thread),
            about: started.about,
            input: started.input,
            place: Place { field: started.field, first: 0 },
            variables: started.variables,
            tools: started.tools,
            on_busy: started.on_busy,
            priority: started.priority,
            max_usd: started.max_usd,
            manner: Manner::default(),
            webhooks: started.webhooks,
            course: Course::default(),
        };
        if is_background {
            let run = visitor.start(&app, begin).await.map_err(Problem::report(&app))?;
            return Ok(json(StatusCode::ACCEPTED, &run));
        }
        let (events, watch) = visitor.start_and_watch(&app, begin).await.map_err(Problem::report(&app))?;
        if is_stream {
            return Ok(stream(app.clone(), visitor, key, events, watch));
        }
        let begun = events.snapshot.clone();
        let run = match (rested(&app, visitor, events, watch, MAX_WAIT_MS).await, begun) {
            // It is there: who were told to try again would begin another.
            (Err(problem), Some(begun)) if problem.kind == Kind::Unavailable => begun,
            (rested, _) => rested?,
        };
        Ok(json(StatusCode::CREATED, &run))
    })
    .await
}

/// The run, once it ends or waits for something, or when the time is up.
async fn rested<W: World>(
    app: &App<W>,
    visitor: Visitor,
    events: Events,
    mut watch: <W::Threads as Threads>::Watch,
    most_ms: u64,
) -> Result<RunView, Problem> {
    let Some(run) = events.snapshot else {
        return Err(Problem::unavailable("a run's events came without the run"));
    };
    if !is_moving(&run) {
        return Ok(run);
    }
    let visitor = visitor.under(None);
    let rests = async {
        for nth in 0..MAX_WATCHES {
            while let Some(event) = watch.next().await {
                if event.event.is_rest() {
                    return;
                }
            }
            // The object went away in the middle, or nobody more may watch: what it was at goes on, and is watched again.
            if nth > 0 {
                app.world.sleep(AWAY_MS).await;
            }
            match visitor.watch_from_now(app, run.id).await {
                Ok((now, again)) if now.snapshot.as_ref().is_some_and(is_moving) => watch = again,
                Err(Error::Unavailable(_)) => {}
                // It rests, or is not there any more.
                Ok(_) | Err(_) => return,
            }
        }
    };
    let timeout = app.world.sleep(most_ms);
    let (rests, timeout) = (std::pin::pin!(rests), std::pin::pin!(timeout));
    match select(rests, timeout).await {
        Either::Left(_) | Either::Right(_) => {}
    }
    visitor.run(app, run.id).await.map_err(Problem::report(app))
}

/// Whether it goes on by itself: also by the work of another agent.
fn is_moving(run: &RunView) -> bool {
    match run.status {
        Status::Queued | Status::InProgress => true,
        Status::Waiting => !asks(&run.waiting_on),
        _ => false,
    }
}

/// Show a run
///
/// With `Prefer: wait=30` it answers when the run ends or waits for something, after 30 seconds at the latest.
#[utoipa::path(
    get, operation_id = "show_run", path = "/runs/{run}", tag = "threads",
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "The run", body = RunView))
)]
async fn show<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    serve(&app, head, &[], async |visitor, at, headers| {
        let run = at.run()?;
        let view = match preferred_wait(&headers) {
            None => visitor.run(&app, run).await.map_err(Problem::report(&app))?,
            Some(wait) => {
                let watched = visitor.watch_from_now(&app, run).await;
                let (events, watch) = watched.map_err(Problem::report(&app))?;
                let ms = u64::try_from(wait.as_millis()).unwrap_or(MAX_WAIT_MS);
                rested(&app, visitor, events, watch, ms.min(MAX_WAIT_MS)).await?
            }
        };
        Ok(json(StatusCode::OK, &view))
    })
    .await
}

/// `Prefer: wait=SECONDS` (RFC 7240).
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get("prefer")?.to_str().ok()?;
    let wait = preferences.split(',').find_map(|one| one.trim().strip_prefix("wait="))?;
    wait.split(';').next()?.trim().parse().ok().map(Duration::from_secs)
}

/// Cancel a run
///
/// And the runs that it has begun.
#[utoipa::path(
    post, operation_id = "cancel_run", path = "/runs/{run}/cancel", tag = "threads", request_body = Option<ReasonBody>,
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "The run", body = RunView))
)]
async fn cancel<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let run = at.run()?;
        let reason = read_optional::<ReasonBody>(request).await?.read().map_err(Problem::invalid)?;
        let run = visitor.cancel(&app, run, reason).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &run))
    })
    .await
}

/// Pause a run
///
/// What is under way ends; nothing new begins.
#[utoipa::path(
    post, operation_id = "pause_run", path = "/runs/{run}/pause", tag = "threads", request_body = Option<ReasonBody>,
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "The run", body = RunView))
)]
async fn pause<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let run = at.run()?;
        let reason = read_optional::<ReasonBody>(request).await?.read().map_err(Problem::invalid)?;
        let run = visitor.pause(&app, run, reason).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &run))
    })
    .await
}

/// Let a paused run go on
///
/// Also one that waits for money or for a time: it tries at once.
#[utoipa::path(
    post, operation_id = "resume_run", path = "/runs/{run}/resume", tag = "threads",
    params(("run" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The run", body = RunView),
        (status = 409, description = "The run is over", body = problem::Document<'static>, content_type = "application/problem+json"),
    )
)]
async fn resume<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let _: Nothing = read_optional(request).await?;
        let run = visitor.resume(&app, at.run()?).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &run))
    })
    .await
}

/// Change which run of a thread comes first
#[utoipa::path(
    post, operation_id = "prioritize_run", path = "/runs/{run}/priority", tag = "threads", request_body = PriorityBody,
    params(("run" = String, Path, description = "Its id")),
    responses((status = 200, description = "The run", body = RunView))
)]
async fn prioritize<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let run = at.run()?;
        let body: PriorityBody = read(request).await?;
        let run = visitor.prioritize(&app, run, body.priority).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &run))
    })
    .await
}

/// What became of inputs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Outcomes {
    #[schema(value_type = Vec<Object>)]
    inputs: Vec<Outcome>,
}

/// Give a run what it waits for
///
/// All of the inputs are taken, or none.
#[utoipa::path(
    post, operation_id = "give_inputs", path = "/runs/{run}/inputs", tag = "threads", request_body = InputsBody,
    params(("run" = String, Path, description = "Its id"), OnceHeader),
    responses((status = 200, description = "What became of each", body = Outcomes))
)]
async fn give<W: World>(State(app): State<App<W>>, head: Head, request: Request) -> Response {
    serve(&app, head, &[], async |visitor, at, _| {
        let run = at.run()?;
        let (visitor, request) = once::taken(visitor, request).await?;
        let inputs = read::<InputsBody>(request).await?.read(run).map_err(Problem::invalid)?;
        let inputs = visitor.give(&app, run, inputs).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &Outcomes { inputs }))
    })
    .await
}

/// Which part of a journal.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StepsQuery {
    /// `next` of the page before.
    after: Option<u32>,
}

query!(StepsQuery);

/// A page of a run's journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Steps {
    #[schema(value_type = Vec<Object>)]
    steps: Vec<serde_json::Value>,
    has_more: bool,
    /// `after` of the next page.
    next: Option<u32>,
}

/// Show what a run did, step by step
///
/// In the order in which it ended, a page of at most 1,000 entries and about a megabyte at a time.
#[utoipa::path(
    get, operation_id = "list_steps", path = "/runs/{run}/steps", tag = "threads",
    params(("run" = String, Path, description = "Its id"), StepsQuery),
    responses((status = 200, description = "A page of its journal", body = Steps))
)]
async fn steps<W: World>(State(app): State<App<W>>, head: Head) -> Response {
    let query = head.query::<StepsQuery>().await;
    serve(&app, head, StepsQuery::query(), async |visitor, at, _| {
        let after = query?.after.unwrap_or(0);
        let (steps, next) = visitor.steps(&app, at.run()?, after).await.map_err(Problem::report(&app))?;
        Ok(json(StatusCode::OK, &Steps { steps, has_more: next.is_some(), next }))
    })
    .await
}
