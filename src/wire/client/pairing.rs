//! Whether tool calls and their results belong together.

use std::collections::BTreeMap;

use crate::domain::message::{AssistantPart, Message};

/// What does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unpaired {
    /// The message of this number is a result of no call.
    NoCall { number: usize },
    /// Before the message of this number, or the end, calls have no results: the first of their ids.
    Unanswered { number: usize, ids: String },
}

/// Every tool call must be answered before anyone else speaks, and only calls can be answered: providers refuse
/// anything else, in words that do not name the message.
///
/// # Errors
/// The first that is not.
pub fn check(messages: &[Message]) -> Result<(), Unpaired> {
    // Each id with how many calls wait for it.
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, message) in messages.iter().enumerate() {
        match message {
            Message::Tool { call_id, .. } => {
                let waiting = open.get_mut(call_id.as_str()).ok_or(Unpaired::NoCall { number })?;
                *waiting -= 1;
                if *waiting == 0 {
                    open.remove(call_id.as_str());
                }
            }
            _ if !open.is_empty() => return Err(unanswered(number, &open)),
            Message::Assistant { parts } => {
                for call in AssistantPart::calls_of(parts) {
                    *open.entry(&call.id).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(messages.len() - 1, &open)) }
}

fn unanswered(number: usize, open: &BTreeMap<&str, usize>) -> Unpaired {
    let ids = open.keys().take(3).map(|id| id.chars().take(64).collect::<String>()).collect::<Vec<_>>();
    Unpaired::Unanswered { number, ids: ids.join(", ") }
}
