//! What became of what a run was given.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::id::EntryId;
use crate::domain::message::Part;
use crate::domain::run::input::Given;

/// An input to a call that was answered before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// Its place in the request.
    pub at: u32,
    pub id: EntryId,
    /// Whether it is the answer that was taken.
    pub is_same: bool,
    /// The answer that was taken; `None` where all of them together are too long.
    pub given: Option<Given>,
}

impl Resolved {
    /// As a refusal shows it, with what was taken in the form in which it is given.
    pub fn to_json(&self) -> Value {
        let mut json = json!({ "at": self.at, "id": self.id, "outcome": Taken::AlreadyResolved });
        match &self.given {
            Some(Given::Output(parts)) => {
                json["output"] = match parts.as_slice() {
                    [Part::Text(text)] => json!(text),
                    [Part::Json(value)] => json!(value.raw()),
                    parts => json!(parts),
                };
            }
            Some(Given::Error(words)) => json["error"] = json!(words),
            Some(Given::Retry) | None => {}
        }
        json
    }
}

/// What became of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of the call, or of the message's item.
    pub id: EntryId,
    pub outcome: Taken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    Accepted,
    /// It was answered before, with the same.
    AlreadyResolved,
}
