//! Finds the provider's own words in an error.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::usage::UsageBody;
use crate::domain::message::Usage;
use crate::wire::provider::lenient::Lenient;
use crate::wire::provider::refusal::{Refusal, status_of};
use crate::wire::provider::{DecodeError, Reported};

/// How deep a message may lie: `[{"error": {"message": {"detail": [{"msg": …}]}}}]` is the deepest known.
const MAX_DEPTH: u32 = 8;

/// The provider's own words, whole, so that secrets in them can be found: OpenAI's and Anthropic's `error.message`, Gemini's
/// `[{error}]`, and what other servers write (`error` as a text, `message`, `detail`, `errors`).
fn message(value: &Value, depth: u32) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Array(items) => items.iter().find_map(|item| message(item, depth)),
        Value::Object(object) => ["error", "message", "detail", "msg", "errors", "description"]
            .iter()
            .find_map(|name| object.get(*name).and_then(|value| message(value, depth))),
        _ => None,
    }
}

/// The longest error within an answer that is read, in bytes; of a longer one only the count.
const MAX_BYTES: usize = 64 * 1024;
/// The longest refusal: some servers repeat what they were sent in it.
const MAX_REFUSAL_BYTES: usize = 1024 * 1024;

/// An error within an answer: a reply, a chunk or a member of one. What it says of usage is each protocol's to read.
pub fn fault(json: &[u8]) -> DecodeError {
    DecodeError::Reported(Box::new(read(json, MAX_BYTES)))
}

/// The body of a reply that is no success: JSON, or the words alone, as proxies write them.
pub fn refused(body: &[u8]) -> Reported {
    match std::str::from_utf8(body) {
        Ok(words) if body.len() <= MAX_REFUSAL_BYTES && is_words(words) => reading(Value::from(words)),
        _ => read(body, MAX_REFUSAL_BYTES),
    }
}

/// Whether it is neither JSON, whole or cut, nor a page of markup.
fn is_words(body: &str) -> bool {
    !body.trim_start().starts_with(['<', '{', '[']) && serde_json::from_str::<IgnoredAny>(body).is_err()
}

/// A value built of an error takes many times its length, so that a long one is not read.
fn read(body: &[u8], max_bytes: usize) -> Reported {
    if body.len() > max_bytes {
        return reading(Value::from("an error too long to be read"));
    }
    reading(behind(serde_json::from_slice(body).unwrap_or(Value::Null), body.len()))
}

fn reading(value: Value) -> Reported {
    let message = message(&value, MAX_DEPTH).unwrap_or_default();
    let refusal = Refusal::read(&value, &message);
    let status = match &refusal {
        refusal if refusal.is_too_long => 400,
        refusal if refusal.is_denied => 401,
        _ => status_of(&value, &message),
    };
    Reported { message, status, refusal, usage: None }
}

/// What the provider said that stands behind another: OpenRouter's `{"error": {"metadata": {"raw": "{…}"}}}`, where that is
/// an error with words.
fn behind(value: Value, length: usize) -> Value {
    let raw = value.pointer("/error/metadata/raw").or_else(|| value.pointer("/metadata/raw"));
    let parsed = match raw {
        Some(Value::String(text)) if text.len() <= length => serde_json::from_str::<Value>(text).ok(),
        Some(raw @ Value::Object(_)) => Some(raw.clone()),
        _ => None,
    };
    parsed.filter(|parsed| !parsed.is_string() && message(parsed, MAX_DEPTH).is_some()).unwrap_or(value)
}

/// An error that came as part of a success: the whole reply or chunk.
pub fn reported(json: &[u8]) -> DecodeError {
    fault(json).counted(counted(json))
}

/// A whole reply without an answer: an error, where it says why.
pub fn answerless(json: &[u8], reason: &str) -> DecodeError {
    match reported(json) {
        DecodeError::Reported(error) if json.len() <= MAX_BYTES && !error.message.is_empty() => {
            DecodeError::Reported(error)
        }
        _ => DecodeError::Malformed(reason.to_owned()),
    }
}

/// What an error says was used, beside it or in it.
fn counted(json: &[u8]) -> Option<Usage> {
    #[derive(Deserialize)]
    struct Counted {
        #[serde(default)]
        usage: Lenient<UsageBody>,
        #[serde(default)]
        error: Lenient<Inner>,
    }
    #[derive(Deserialize)]
    struct Inner {
        #[serde(default)]
        usage: Lenient<UsageBody>,
    }
    let Counted { usage, error } = serde_json::from_slice(json).ok()?;
    let within = || error.0?.usage.0?.read();
    usage.0.and_then(UsageBody::read).or_else(within)
}

/// The provider broke an answer off and said no more.
pub fn interrupted() -> DecodeError {
    DecodeError::Reported(Box::new(Reported {
        message: "the answer was broken off".to_owned(),
        status: 502,
        refusal: Refusal::default(),
        usage: None,
    }))
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
