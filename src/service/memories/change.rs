//! A memory changed: a merge, or operations on what is shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{TRIES, ask, may_change, show, unexpected};
use crate::domain::field_error::FieldErrors;
use crate::domain::ids::AccountId;
use crate::domain::json as text;
use crate::domain::memory::command::{Answer, Change, Command};
use crate::domain::memory::draft::Draft;
use crate::domain::memory::shelf::Shelf;
use crate::domain::memory::view::MemoryView;
use crate::domain::memory::{Memory, Status};
use crate::domain::patch::Patch;
use crate::domain::read_only;
use crate::ports::World;
use crate::service::App;
use crate::service::failure::{Failure, Thing};
use crate::service::precondition::Precondition;

/// What of a memory can be written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    text: String,
    labels: Option<Vec<String>>,
    metadata: Option<BTreeMap<String, String>>,
    status: Option<Status>,
}

const WRITTEN: [&str; 4] = ["text", "labels", "metadata", "status"];

/// Changes a memory, over the state that the client names or whatever it is.
///
/// # Errors
/// [`Failure`].
pub async fn change<W: World>(
    app: &App<W>,
    account: AccountId,
    shelf: &Shelf,
    (memory, patch): (&str, &Patch),
    precondition: &Precondition,
) -> Result<Memory, Failure> {
    may_change(app, account, shelf).await?;
    for _ in 0..TRIES {
        let read = show(app, account, shelf, memory).await?;
        precondition.check_tag(Thing::Memory, Some(|| read.tag()))?;
        let draft = patched(shelf, &read, patch)?;
        if draft == draft_of(&read) {
            return Ok(read);
        }
        let field = if draft.text == read.text { "status" } else { "text" };
        let change = Change { id: read.id, read: read.revision, draft };
        match ask(app, account, shelf, Command::Change(change)).await? {
            Answer::Memory(memory) => return Ok(*memory),
            Answer::NotFound => return Err(Failure::Missing(Thing::Memory)),
            Answer::Made { memory: other, .. } => {
                let words =
                    format!("there is another active memory of this text, {}: keep that one", other.id);
                return Err(Failure::invalid(field, &words));
            }
            Answer::Moved => {}
            other => return Err(unexpected(&other).into()),
        }
    }
    Err(Failure::Contended(Thing::Memory))
}

fn draft_of(memory: &Memory) -> Draft {
    let Memory { text, labels, metadata, status, .. } = memory.clone();
    Draft { text, labels, metadata, status }
}

/// What is written of a memory once a change is laid over it.
fn patched(shelf: &Shelf, read: &Memory, patch: &Patch) -> Result<Draft, Failure> {
    let shown = match json!(MemoryView::of(shelf, read.clone())) {
        Value::Object(shown) => shown,
        _ => Map::new(),
    };
    let mut errors = FieldErrors::default();
    let body = match patch {
        Patch::Merge(over) => {
            let mut over = over.clone();
            errors.join(read_only::leave_out(&mut over, &shown, &WRITTEN));
            let base = shown.into_iter().filter(|(name, _)| WRITTEN.contains(&name.as_str())).collect();
            Patch::Merge(over).lay_over(base, &[])?
        }
        Patch::Operations(operations) => {
            let mut body = operations.apply(shown.clone())?;
            errors.join(read_only::leave_out(&mut body, &shown, &WRITTEN));
            body
        }
    };
    let written = errors.take_all(text::read::<Written>(&body.into()));
    let draft = written.map(|written| Draft {
        text: written.text,
        labels: written.labels.unwrap_or_default(),
        metadata: written.metadata.unwrap_or_default(),
        status: written.status.unwrap_or_default(),
    });
    if let Some(draft) = &draft {
        errors.join(draft.check());
        if draft.status == Status::Superseded && read.status != Status::Superseded {
            errors.add("status", "follows where another memory takes its place: write active or archived");
        }
    }
    Ok(errors.finish_with(draft)?)
}
