//! Finds the provider's own words in an error.

use serde::Deserialize;
use serde_json::Value;

use super::usage::UsageBody;
use crate::domain::message::Usage;
use crate::wire::provider::DecodeError;
use crate::wire::provider::json::clip;
use crate::wire::provider::lenient::Lenient;

/// How deep a message may lie: `[{"error": {"message": {"detail": [{"msg": …}]}}}]` is the deepest known.
const MAX_DEPTH: u32 = 8;

/// The provider's own words in an error reply, whole, so that secrets in them can be found: OpenAI's and Anthropic's `error.message`, Gemini's `[{error}]`, and
/// what other servers write (`error` as a text, `message`, `detail`, `errors`).
pub fn error_message(body: &[u8]) -> Option<String> {
    message(&serde_json::from_slice(body).ok()?, MAX_DEPTH)
}

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

/// The longest error that is read, in bytes, whatever its status; of a longer one only the count.
const MAX_BYTES: usize = 64 * 1024;

/// An error that came as part of a success: the whole reply or chunk, as JSON. A value built of it takes many times its
/// length, so that a long one is only looked through for its count.
pub fn reported(json: &[u8]) -> DecodeError {
    let usage = counted(json);
    if json.len() > MAX_BYTES {
        let message = "an error too long to be read".to_owned();
        return DecodeError::Reported { message, transient: true, usage };
    }
    let value: Value = serde_json::from_slice(json).unwrap_or(Value::Null);
    let text = message(&value, MAX_DEPTH).map_or_else(|| "no message".to_owned(), |text| clip(&text));
    DecodeError::Reported { message: text, transient: !is_final(&value), usage }
}

/// A whole reply without an answer: an error, where it says why.
pub fn answerless(json: &[u8], fault: &str) -> DecodeError {
    let says_why = json.len() <= MAX_BYTES && error_message(json).is_some();
    if says_why { reported(json) } else { DecodeError::Malformed(fault.to_owned()) }
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
    DecodeError::Reported { message: "the answer was broken off".to_owned(), transient: true, usage: None }
}

/// Whether the error lies in the request, so that sending it again is of no use. An error without a known kind is
/// taken for the server's: the request was good enough to begin with.
fn is_final(error: &Value) -> bool {
    const KINDS: [&str; 8] = [
        "invalid",
        "authentication",
        "permission",
        "insufficient",
        "not_found",
        "too_large",
        "policy",
        "billing",
    ];
    let error = error.get("error").unwrap_or(error);
    ["type", "code", "status"].iter().filter_map(|name| error.get(*name)).any(|kind| match kind {
        Value::String(kind) => {
            let kind = kind.to_ascii_lowercase();
            KINDS.iter().any(|part| kind.contains(part)) || kind.parse().is_ok_and(is_final_status)
        }
        Value::Number(code) => code.as_u64().is_some_and(is_final_status),
        _ => false,
    })
}

/// A client's fault, except for the two that pass by waiting.
fn is_final_status(status: u64) -> bool {
    (400..500).contains(&status) && !matches!(status, 408 | 429)
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
