//! `reasoning_details` of a stream, put together.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::domain::message::{Event, Proof, ProofKind};
use crate::wire::provider::DecodeError;

/// The most that is kept, in bytes: encrypted reasoning is about as long as the reasoning.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The members whose pieces follow one another; others are repeated.
const TEXTS: [&str; 3] = ["text", "summary", "data"];

/// The entries so far, in the order in which they began.
#[derive(Debug, Default)]
pub struct Details {
    entries: Vec<Map<String, Value>>,
    bytes: usize,
}

impl Details {
    /// Takes the next pieces. What is no list of objects is passed over.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] when there are more than are kept.
    pub fn add(&mut self, details: &RawValue) -> Result<(), DecodeError> {
        self.bytes += details.get().len();
        if self.bytes > MAX_BYTES {
            return Err(DecodeError::Malformed("the reasoning's details are too long".to_owned()));
        }
        let pieces: Vec<Map<String, Value>> = serde_json::from_str(details.get()).unwrap_or_default();
        for piece in pieces {
            let same = |entry: &&mut Map<String, Value>| {
                ["index", "type"].iter().all(|name| entry.get(*name) == piece.get(*name))
                    && piece.get("index").is_some_and(|index| !index.is_null())
            };
            match self.entries.iter_mut().rev().find(same) {
                Some(entry) => merge(entry, piece),
                None => self.entries.push(piece),
            }
        }
        Ok(())
    }

    /// What proves the turn of this choice, which has ended.
    pub fn take(&mut self, choice: u32) -> Option<Event> {
        let entries = std::mem::take(&mut self.entries);
        if entries.is_empty() {
            return None;
        }
        let value = Value::from(entries.into_iter().map(Value::Object).collect::<Vec<_>>()).to_string();
        Some(Event::Proof { choice, proof: Proof::new(ProofKind::ReasoningDetails, value) })
    }
}

fn merge(entry: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (name, value) in piece {
        match (entry.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more)) if TEXTS.contains(&name.as_str()) => {
                text.push_str(&more);
            }
            (_, value) => drop(entry.insert(name, value)),
        }
    }
}
