//! Words that people have from other systems for the fields of an agent and their values, as ours. `docs/agents.md` has the
//! table.

use serde_json::{Map, Value};

use super::merge;
use crate::domain::field_error::{FieldError, FieldErrors};

/// Other names of fields.
pub const NAMES: [(&str, &str); 4] = [
    ("agent_type", "type"),
    ("instance_name", "name"),
    ("system_prompt", "instructions"),
    ("prompt", "instructions"),
];
/// Other words for a status.
const STATUSES: [(&str, &str); 1] = [("deployed", "active")];
/// Fields whose values are our words, and what stands between two words in them.
const WORDS: [(&str, char); 4] = [("type", '-'), ("status", '-'), ("access", '-'), ("modality", '_')];
/// Fields that lie over the others.
const OVERRIDES: &str = "overrides";

/// Rewrites a body. What both names have is taken once.
///
/// # Errors
/// A field that has another value under its other name.
pub fn ours(fields: &mut Map<String, Value>) -> Result<(), Vec<FieldError>> {
    let mut errors = FieldErrors::default();
    rename(fields, &mut errors);
    match fields.remove(OVERRIDES) {
        None | Some(Value::Null) => {}
        Some(Value::Object(mut over)) => {
            rename(&mut over, &mut errors);
            merge(fields, over);
        }
        Some(_) => errors.add(OVERRIDES, "must be an object: fields that lie over those of the template"),
    }
    for (field, joint) in WORDS {
        if let Some(Value::String(word)) = fields.get_mut(field) {
            *word = word_of(word, joint);
        }
    }
    if let Some(Value::String(status)) = fields.get_mut("status")
        && let Some((_, own)) = STATUSES.iter().find(|(other, _)| other == status)
    {
        *status = (*own).to_owned();
    }
    errors.finish()
}

fn rename(fields: &mut Map<String, Value>, errors: &mut FieldErrors) {
    for (other, own) in NAMES {
        match (fields.remove(other), fields.get(own)) {
            (None | Some(Value::Null), _) => {}
            (Some(value), None) => {
                fields.insert(own.to_owned(), value);
            }
            (Some(value), Some(there)) if are_same(own, &value, there) => {}
            (Some(_), Some(_)) => {
                errors
                    .add(other, format!("is another name of `{own}`, which stands here with another value"));
            }
        }
    }
}

/// Whether two values of one of our fields are the same, in whatever case and with whatever between their words.
pub fn are_same(own: &str, one: &Value, other: &Value) -> bool {
    let joint = WORDS.iter().find(|(field, _)| *field == own).map(|(_, joint)| *joint);
    match (joint, one, other) {
        (Some(joint), Value::String(one), Value::String(other)) => {
            word_of(one, joint) == word_of(other, joint)
        }
        _ => one == other,
    }
}

/// A type as it is asked for in a query.
pub fn kind(text: &str) -> String {
    word_of(text, '-')
}

/// `SIMPLE_CHAT` is `simple-chat`.
fn word_of(text: &str, joint: char) -> String {
    text.trim().to_lowercase().replace(['-', '_', ' '], joint.encode_utf8(&mut [0; 4]))
}

/// A status as it is asked for in a query.
pub fn status(text: &str) -> String {
    let word = word_of(text, '-');
    STATUSES.iter().find(|(other, _)| *other == word).map_or(word, |(_, own)| (*own).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: Value) -> Value {
        let mut fields = body.as_object().unwrap().clone();
        ours(&mut fields).unwrap();
        fields.into()
    }

    #[test]
    fn other_systems_words_are_read_as_ours() {
        assert_eq!(
            of(json!({
                "agent_type": "SIMPLE_CHAT", "instance_name": "A", "system_prompt": "Hi", "status": "Deployed",
                "modality": "AUDIO-ONLY", "access": "Public", "template": "sales",
                "overrides": {"prompt": "Ho", "config": {"a": 1}}, "config": {"b": 2},
            })),
            json!({
                "type": "simple-chat", "name": "A", "instructions": "Ho", "status": "active", "modality": "audio_only",
                "access": "public", "template": "sales", "config": {"a": 1, "b": 2},
            })
        );
        assert_eq!(of(json!({"type": "a", "agent_type": "a", "prompt": null})), json!({"type": "a"}));
    }

    #[test]
    fn two_values_for_one_field_are_refused() {
        let mut fields = json!({"type": "a", "agent_type": "b", "overrides": 7}).as_object().unwrap().clone();
        let fields: Vec<String> =
            ours(&mut fields).unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["agent_type", "overrides"]);
    }
}
