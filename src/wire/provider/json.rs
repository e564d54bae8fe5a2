//! What codecs share about JSON: tool arguments that must be an object, JSON asked for in words, and error texts
//! that tell where a reply is broken without repeating it.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::domain::message::ResponseFormat;
use crate::wire::provider::DecodeError;

/// The most tool calls of one answer, of all its choices together: far above what any model makes.
const MAX_CALLS: usize = 1_024;

/// Takes one more tool call of an answer that has so many.
///
/// # Errors
/// Where it is one too many.
pub(super) fn count_call(so_far: usize) -> Result<(), DecodeError> {
    if so_far < MAX_CALLS {
        return Ok(());
    }
    Err(DecodeError::Malformed("a tool call is one too many".to_owned()))
}

/// A tool call's arguments for a provider that takes an object only.
///
/// What the model wrote may be cut or no object at all; the model then sees its own words again as
/// `{"arguments": "…"}` and can correct itself, instead of the whole conversation being refused.
#[derive(Clone, Copy, Debug)]
pub(in crate::wire) enum Arguments<'a> {
    Object(&'a RawValue),
    Text(&'a str),
}

impl<'a> Arguments<'a> {
    pub fn read(text: &'a str) -> Self {
        match object(text) {
            Some(raw) => Self::Object(raw),
            None => Self::Text(text),
        }
    }
}

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(raw) => raw.serialize(serializer),
            Self::Text(text) if text.trim().is_empty() => serializer.serialize_map(Some(0))?.end(),
            Self::Text(text) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("arguments", text)?;
                map.end()
            }
        }
    }
}

/// The text itself, if it is one JSON object.
pub(super) fn object(text: &str) -> Option<&RawValue> {
    serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().starts_with('{'))
}

/// The wish for JSON in words, for a model that has no parameter for it.
pub(super) fn instruction(format: &ResponseFormat) -> Option<String> {
    let ask = |what: &str| {
        format!("Answer with one valid JSON {what} and nothing else: no text around it, no code fence.")
    };
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(ask("object")),
        ResponseFormat::JsonSchema { schema, .. } => {
            let schema = schema.get();
            Some(format!("{} It must be valid under this JSON Schema:\n{schema}", ask(wanted(schema))))
        }
    }
}

/// What a schema asks for, as far as its top says so.
fn wanted(schema: &str) -> &'static str {
    #[derive(Deserialize)]
    struct Top<'a> {
        #[serde(rename = "type", borrow)]
        kind: Option<Cow<'a, str>>,
    }
    // A list of types, or a schema that is true, is no such top.
    let kind = serde_json::from_str::<Top<'_>>(schema).ok().and_then(|top| top.kind);
    match kind.as_deref() {
        Some("object") => "object",
        Some("array") => "array",
        Some("string") => "string, in its quotes,",
        Some("integer" | "number") => "number",
        _ => "value",
    }
}

/// Says where `what` is broken. The parser's own message is left out because it can quote the reply.
pub(super) fn malformed(what: &str, error: &serde_json::Error) -> DecodeError {
    let fault = match error.classify() {
        Category::Eof => "cut short",
        Category::Syntax => "not JSON",
        Category::Data => "JSON of another shape",
        Category::Io => "unreadable",
    };
    DecodeError::Malformed(format!("{what} is {fault} (line {}, column {})", error.line(), error.column()))
}

/// An identifier for a call of this reply.
///
/// Older models issue none. One is made then of the reply's identifier and the call's number in it, because clients
/// expect no two calls of a conversation to share theirs.
pub(super) fn issued_id(given: Option<&str>, reply: Option<&str>, number: u32) -> String {
    let usable =
        |id: &&str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    match (given.filter(|id| !id.is_empty()), reply.filter(usable)) {
        (Some(id), _) => id.to_owned(),
        (None, Some(reply)) => format!("call_{reply}_{number}"),
        (None, None) => format!("call_{number}"),
    }
}

/// The id itself, or another where a call of this answer has it already: its results could not be told apart.
pub(super) fn unused(id: String, ids: &mut HashSet<String>) -> String {
    let others = (2..).map(|n: u32| format!("{id}_{n}"));
    let free = std::iter::once(id.clone()).chain(others).find(|id| !ids.contains(id)).unwrap_or(id);
    ids.insert(free.clone());
    free
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
