//! What a run is given of memories: once, and the same in each of its steps.

use serde_json::{Value, json};

use crate::domain::agent;
use crate::domain::ids::AccountId;
use crate::domain::memory::notes::{block, chosen};
use crate::domain::memory::recalled::Recalled;
use crate::domain::memory::shelf::Reach;
use crate::domain::message::{Message, Part};
use crate::domain::thread::window::Sent;
use crate::domain::warning::{Code, Warning};
use crate::ports::World;
use crate::service::App;
use crate::service::memories::recall::recall;

/// Puts into a run's messages what it is given of memories: what it was given before, or what fits now. Returns what belongs
/// into the journal, by which the thread knows what the next step is sent (null: it knows already, or there is nothing to
/// know), and whether something is missing.
pub async fn put_in<W: World>(
    app: &App<W>,
    account: AccountId,
    memory: agent::Memory,
    (reach, recalled): (Option<Reach>, Option<Recalled>),
    sent: &mut Sent,
) -> (Value, Option<Warning>) {
    if let Some(recalled) = recalled {
        sent.earlier = recalled.put_into(&mut sent.messages, sent.earlier);
        return (Value::Null, None);
    }
    let Some(reach) = reach.filter(|_| !memory.read.is_none()) else { return (Value::Null, None) };
    let offset = Recalled::offset_in(&sent.messages, sent.earlier);
    let found = recall(app, account, (memory, &reach), &said(&sent.messages)).await;
    let with_id = !memory.write.is_none();
    let notes = chosen(found.fitting.into_iter().chain(found.newest), memory.max_tokens(), with_id);
    let recalled = Recalled { block: block(&notes, with_id), offset };
    sent.earlier = recalled.put_into(&mut sent.messages, sent.earlier);
    let ids: Vec<Value> = notes.iter().map(|note| json!({ "id": note.id, "kind": note.kind })).collect();
    let mut journal = json!({ "block": recalled.block, "offset": offset, "given": ids });
    if found.missing.is_empty() {
        return (journal, None);
    }
    let missing: Vec<&str> = found.missing.iter().map(|kind| kind.name()).collect();
    journal["missing"] = json!(missing);
    let what =
        format!("memories ({}) could not be reached: the run goes on without them", missing.join(", "));
    (journal, Some(Warning::new("memory", Code::LeftOut, what)))
}

/// What is to be answered: the last that a person said.
fn said(messages: &[Message]) -> String {
    let texts = messages.iter().rev().filter_map(|message| match message {
        Message::User { parts, .. } => Some(parts),
        _ => None,
    });
    let texts = texts.map(|parts| {
        let text = parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        text.collect::<Vec<_>>().join(" ")
    });
    texts.take(1).collect()
}
