//! Writes answers, whole and streamed.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::CallId;
use crate::domain::message::{ChatReply, Event, Usage};
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::{sse, to_json};

/// An answer, and what it cost: the body of a whole one, and the last event of a stream.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ChatReply)]
pub struct Done<'a> {
    pub message: &'a str,
    #[schema(value_type = Object)]
    pub usage: &'a Usage,
    #[schema(value_type = String, example = "0.000150")]
    pub cost_usd: Nanos,
    /// The model that answered, as `provider:code`.
    #[schema(example = "openai:gpt-4.1-mini")]
    pub model: &'a str,
    /// The agent's slug.
    pub agent: &'a str,
    pub agent_version: u32,
    #[schema(value_type = String, format = "uuid")]
    pub call_id: CallId,
    /// True where the agent was asked the same before, and this is that answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub cached: bool,
    /// What was not done as asked; absent when there is nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub warnings: &'a [Warning],
}

impl Done<'_> {
    /// The body of a whole answer.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }

    /// The text of a whole answer: what the model said, or its words of refusal.
    pub fn text_of(reply: &ChatReply) -> Cow<'_, str> {
        let first = reply.choices.first();
        first.and_then(|choice| choice.text().or_else(|| choice.refusal())).unwrap_or_default()
    }
}

/// Writes `delta` … `done` (or `error`), and keeps the text for `done`.
#[derive(Debug, Default)]
pub struct StreamEncoder {
    text: String,
}

#[derive(Serialize)]
struct Delta<'a> {
    text: &'a str,
}

impl StreamEncoder {
    /// Appends the event for what the model said. Reasoning is not told, and tools cannot be called here.
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if let Event::Text { choice: 0, delta } | Event::Refusal { choice: 0, delta } = event {
            self.text.push_str(delta);
            sse::write_json(out, Some("delta"), &Delta { text: delta });
        }
    }

    /// All that was told.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends the stream's end.
    pub fn done(done: &Done<'_>, out: &mut Vec<u8>) {
        sse::write_json(out, Some("done"), done);
    }

    /// Appends an error, which ends the stream; `problem` is a problem document.
    pub fn error(problem: &[u8], out: &mut Vec<u8>) {
        sse::write(out, Some("error"), problem);
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
