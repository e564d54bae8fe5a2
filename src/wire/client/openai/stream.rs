//! Writes streams, chunk by chunk as the events come.

use serde::Serialize;

use super::error::{Enclosed, ErrorBody};
use super::reply::{Envelope, UsageBody, finish_reason};
use crate::domain::message::{Event, Usage};
use crate::wire::{sse, write_json};

const ROLE: &str = "assistant";
/// OpenAI's limit of `n`; what a provider counts beyond is nobody's answer.
const MAX_CHOICES: u32 = 128;

/// Writes the chunks of one stream.
///
/// What is the same on every chunk is written once and copied; only the delta is made anew.
#[derive(Debug)]
pub struct StreamEncoder {
    /// `data: {"id":…,"model":"…"`.
    head: Vec<u8>,
    include_usage: bool,
    /// How many choices have begun.
    begun: u32,
}

impl StreamEncoder {
    pub fn new(envelope: &Envelope<'_>, include_usage: bool) -> Self {
        let mut head = b"data: ".to_vec();
        let object = "chat.completion.chunk";
        let Envelope { id, created_s: created, model } = *envelope;
        write_json(&mut head, &Head { id, object, created, model });
        // The closing brace: choices follow.
        head.pop();
        Self { head, include_usage, begun: 0 }
    }

    /// Appends the chunk for an event. Usage comes with [`StreamEncoder::finish`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice, delta } => {
                self.chunk(*choice, Delta { content: Some(delta), ..Delta::default() }, None, out);
            }
            Event::Reasoning { choice, delta } => {
                self.chunk(*choice, Delta { reasoning_content: Some(delta), ..Delta::default() }, None, out);
            }
            Event::Refusal { choice, delta } => {
                self.chunk(*choice, Delta { refusal: Some(delta), ..Delta::default() }, None, out);
            }
            Event::ToolCall { choice, index, id, name } => {
                let function = FunctionDelta { name: Some(name), arguments: "" };
                let call = CallDelta { index: *index, id: Some(id), kind: Some("function"), function };
                self.chunk(*choice, Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
            }
            Event::ToolArguments { choice, index, delta } => {
                let function = FunctionDelta { name: None, arguments: delta };
                let call = CallDelta { index: *index, id: None, kind: None, function };
                self.chunk(*choice, Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
            }
            Event::Finish { choice, reason } => {
                let delta = Delta { content: self.is_new(*choice).then_some(""), ..Delta::default() };
                self.chunk(*choice, delta, Some(finish_reason(*reason)), out);
            }
            Event::Usage(_) => {}
        }
    }

    /// Appends the stream's end.
    pub fn finish(&self, usage: &Usage, out: &mut Vec<u8>) {
        if self.include_usage {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b",\"choices\":[],\"usage\":");
            write_json(out, &UsageBody::of(usage));
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Appends an error, which ends the stream.
    pub fn error(&self, error: ErrorBody<'_>, out: &mut Vec<u8>) {
        sse::write_json(out, None, &Enclosed { error });
    }

    fn is_new(&self, choice: u32) -> bool {
        choice >= self.begun
    }

    /// Appends a chunk. Choices begin in the order of their numbers, each with its role: the official Python client
    /// fails on a stream that begins with another choice than the first.
    fn chunk(&mut self, index: u32, mut delta: Delta<'_>, finish_reason: Option<&str>, out: &mut Vec<u8>) {
        if index >= MAX_CHOICES {
            return;
        }
        while self.begun < index {
            let opening = Delta { role: Some(ROLE), content: Some(""), ..Delta::default() };
            self.write(self.begun, opening, None, out);
            self.begun += 1;
        }
        if self.begun == index {
            delta.role = Some(ROLE);
            self.begun += 1;
        }
        self.write(index, delta, finish_reason, out);
    }

    fn write(&self, index: u32, delta: Delta<'_>, finish_reason: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":[");
        write_json(out, &ChoiceDelta { index, delta, logprobs: None, finish_reason });
        let tail = if self.include_usage { b"],\"usage\":null}\n\n".as_slice() } else { b"]}\n\n" };
        out.extend_from_slice(tail);
    }
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
}

#[derive(Serialize)]
struct ChoiceDelta<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'a str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallDelta<'a>; 1]>,
}

#[derive(Serialize)]
struct CallDelta<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: FunctionDelta<'a>,
}

#[derive(Serialize)]
struct FunctionDelta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
