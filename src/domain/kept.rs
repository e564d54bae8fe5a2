//! An answer as it is kept for requests that come again ([`super::agent::Caching`]): a version byte, then JSON.
//!
//! What is kept lives for a day at most, so no older form is ever read: one that another release wrote is no answer.

use serde::{Deserialize, Serialize};

use super::message::{About, AssistantPart, ChatReply, Choice, Finish};
use super::time::Millis;
use super::warning::Warning;

/// Of the form that is written; another one is not read.
const VERSION: u8 = 1;
/// The most bytes of an answer that is kept.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A kept answer.
#[derive(Debug, PartialEq)]
pub struct Kept {
    /// `provider:code` of the model that answered.
    pub model: String,
    pub warnings: Vec<Warning>,
    /// Without usage: nothing is used when it is given again.
    pub reply: ChatReply,
}

#[derive(Serialize)]
struct Written<'a> {
    until: i64,
    model: &'a str,
    warnings: &'a [Warning],
    about: &'a About,
    choices: &'a [Choice],
}

#[derive(Deserialize)]
struct Read {
    until: i64,
    model: String,
    warnings: Vec<Warning>,
    about: About,
    choices: Vec<Choice>,
}

/// Whether this is an answer that another request for so many choices may be given: it has them all, each of which says or calls
/// something and came to its own end.
pub fn is_worth(reply: &ChatReply, choices: u64) -> bool {
    let says_something = |part: &AssistantPart| match part {
        AssistantPart::Text(text) => !text.text.is_empty(),
        AssistantPart::Refusal(text) => !text.is_empty(),
        AssistantPart::ToolCall(_) => true,
        AssistantPart::Reasoning(_) | AssistantPart::CachePoint(_) => false,
    };
    let is_whole = |choice: &Choice| {
        choice.parts.iter().any(says_something) && matches!(choice.finish, Finish::Stop | Finish::ToolCalls)
    };
    reply.choices.len() as u64 >= choices && reply.choices.iter().all(is_whole)
}

/// The answer as it is kept, good until then; `None` where it is too long.
pub fn write(reply: &ChatReply, model: &str, warnings: &[Warning], until: Millis) -> Option<Vec<u8>> {
    let written = Written { until: until.0, model, warnings, about: &reply.about, choices: &reply.choices };
    let mut bytes = vec![VERSION];
    serde_json::to_writer(&mut bytes, &written).ok()?;
    (bytes.len() <= MAX_BYTES).then_some(bytes)
}

/// The answer that was kept; `None` where it is no longer good, or of another form.
pub fn read(bytes: &[u8], now: Millis) -> Option<Kept> {
    let (&VERSION, json) = bytes.split_first()? else { return None };
    let Read { until, model, warnings, about, choices } = serde_json::from_slice(json).ok()?;
    let reply = ChatReply { choices, usage: None, about };
    (now.0 < until).then_some(Kept { model, warnings, reply })
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
