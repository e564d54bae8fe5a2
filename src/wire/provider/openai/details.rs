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

#[cfg(test)]
mod tests {
    use super::*;

    fn add(details: &mut Details, json: &str) -> Result<(), DecodeError> {
        details.add(&RawValue::from_string(json.to_owned()).unwrap())
    }

    fn taken(details: &mut Details) -> String {
        match details.take(0) {
            Some(Event::Proof { proof, .. }) => proof.value,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn entries_without_a_number_stand_alone_and_others_go_on() {
        let mut details = Details::default();
        for json in [
            r#"[{"type":"reasoning.text","text":"a","index":0}]"#,
            r#"[{"type":"reasoning.text","text":"b","index":0,"signature":null},{"type":"reasoning.text","text":"c"}]"#,
            r#"[{"type":"reasoning.text","text":"d"},{"type":"reasoning.encrypted","data":"e","index":0}]"#,
            "{}",
            "[7]",
        ] {
            assert_eq!(add(&mut details, json), Ok(()));
        }
        let expected = r#"[{"type":"reasoning.text","text":"ab","index":0},{"type":"reasoning.text","text":"c"},{"type":"reasoning.text","text":"d"},{"type":"reasoning.encrypted","data":"e","index":0}]"#;
        assert_eq!(taken(&mut details), expected);
        assert_eq!(taken(&mut details), "None");
    }

    #[test]
    fn details_are_not_kept_without_end() {
        let mut details = Details::default();
        let piece =
            format!(r#"[{{"type":"reasoning.text","index":0,"text":"{}"}}]"#, "x".repeat(1024 * 1024));
        let added: Vec<_> = (0..5).map(|_| add(&mut details, &piece).is_ok()).collect();
        assert_eq!(added, [true, true, true, false, false]);
    }
}
