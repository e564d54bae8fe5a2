//! Writes answers, whole and streamed.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::ids::CallId;
use crate::domain::message::{AssistantPart, ChatReply, Choice, Citation, Event, Finish, Usage};
use crate::domain::money::Nanos;
use crate::domain::thread::id::{RunId, ThreadKey};
use crate::domain::warning::Warning;
use crate::wire::client::openai::annotation;
use crate::wire::{sse, to_json};

/// An answer, and what it cost: the body of a whole one, and the last event of a stream.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = ChatReply)]
pub struct Done<'a> {
    pub message: &'a str,
    /// Of an agent with an `output`: what the message is as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub output: Option<&'a RawValue>,
    /// How an answer ended that is not whole, in OpenAI's words: `length`, `content_filter`. Absent where the model came to its own end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<String>, example = "length")]
    pub finish_reason: Option<&'static str>,
    #[schema(value_type = Object)]
    pub usage: &'a Usage,
    #[schema(value_type = String, example = "0.000150")]
    pub cost_usd: Nanos,
    /// The model that answered, as `provider:code`; absent on a thread, where each step of the run may have another.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "openai:gpt-4.1-mini")]
    pub model: Option<&'a str>,
    /// The agent's slug.
    pub agent: &'a str,
    pub agent_version: u32,
    /// Absent on a thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub call_id: Option<CallId>,
    /// Of a call on a thread, here and below.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub thread_id: Option<ThreadKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run_id: Option<RunId>,
    /// Calls of the client's tools that the run waits for.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub tool_calls: &'a [Called],
    /// Where the answer comes from, as OpenAI writes it; absent where it says nothing of that.
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "annotation::write")]
    #[schema(required = false, value_type = Vec<Object>)]
    pub annotations: &'a [Citation],
    /// True where the agent was asked the same before, and this is that answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub cached: bool,
    /// What was not done as asked; absent when there is nothing.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(required = false)]
    pub warnings: &'a [Warning],
}

/// How an answer ended that is not whole, in OpenAI's words.
pub const fn finish_reason(finish: Finish) -> Option<&'static str> {
    match finish {
        Finish::Stop | Finish::ToolCalls => None,
        Finish::Length => Some("length"),
        Finish::ContentFilter => Some("content_filter"),
    }
}

/// A call of the client's tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ChatToolCall)]
pub struct Called {
    /// As `inputs` answer it.
    pub call_id: String,
    pub name: String,
    /// JSON as the model wrote it.
    pub arguments: String,
}

impl Called {
    /// Those of a whole answer.
    pub fn all(reply: &ChatReply) -> Vec<Self> {
        let calls = reply.choices.first().into_iter().flat_map(Choice::calls);
        calls
            .map(|call| Self {
                call_id: call.id.clone(),
                name: call.name.clone(),
                arguments: call.arguments.clone(),
            })
            .collect()
    }
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

    /// The sources of a whole answer.
    pub fn citations_of(reply: &ChatReply) -> Vec<Citation> {
        let parts = reply.choices.first().map(|choice| choice.parts.as_slice()).unwrap_or_default();
        AssistantPart::citations_of(parts).cloned().collect()
    }
}

/// Writes `delta` … `done` (or `error`), and keeps the text for `done`.
#[derive(Debug, Default)]
pub struct StreamEncoder {
    text: String,
    calls: Vec<Called>,
    citations: Vec<Citation>,
}

#[derive(Serialize)]
struct Delta<'a> {
    text: &'a str,
}

impl StreamEncoder {
    /// Appends the event for what the model said. Reasoning is not told, and calls stand in `done`.
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        if let Event::Text { choice: 0, delta } | Event::Refusal { choice: 0, delta } = event {
            self.text.push_str(delta);
            sse::write_json(out, Some("delta"), &Delta { text: delta });
        }
        match event {
            Event::ToolCall { choice: 0, id, name, .. } => {
                self.calls.push(Called { call_id: id.clone(), name: name.clone(), arguments: String::new() });
            }
            Event::ToolArguments { choice: 0, index, delta } => {
                if let Some(call) = self.calls.get_mut(*index as usize) {
                    call.arguments.push_str(delta);
                }
            }
            Event::Citation { choice: 0, citation } => self.citations.push(Citation::clone(citation)),
            _ => {}
        }
    }

    pub fn citations(&self) -> &[Citation] {
        &self.citations
    }

    pub fn calls(&self) -> &[Called] {
        &self.calls
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
