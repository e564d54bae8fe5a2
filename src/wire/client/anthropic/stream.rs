//! Writes streams: `message_start`, each block from its start to its stop, `message_delta`, `message_stop`.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::error::{Enclosed, ErrorBody};
use super::reply::{Body, CitationBody, Envelope, UsageBody, begun, stop_reason};
use crate::domain::message::{About, Event, Finish, Proof, ProofKind, Usage};
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::client::{call_id, proof};
use crate::wire::sse;

/// What says only that the stream lives.
pub const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";

/// Writes the events of one stream: of its first choice, as this protocol has one.
#[derive(Debug)]
pub struct StreamEncoder {
    /// `message_start`, until it is written.
    start: Vec<u8>,
    /// The number of the next block.
    next: u32,
    /// The block of words that is open.
    open: Option<Open>,
    /// Tool calls whose blocks are open.
    calls: Vec<OpenCall>,
    finish: Finish,
    warnings: Vec<Warning>,
    left_out: usize,
}

#[derive(Debug)]
struct Open {
    block: u32,
    kind: Kind,
    has_proof: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

#[derive(Debug)]
struct OpenCall {
    block: u32,
    index: u32,
    arguments: String,
}

impl StreamEncoder {
    pub fn new(envelope: &Envelope<'_>) -> Self {
        let mut start = Vec::new();
        let message = begun(envelope);
        sse::write_json(&mut start, Some("message_start"), &Start { kind: "message_start", message });
        start.extend_from_slice(PING);
        Self {
            start,
            next: 0,
            open: None,
            calls: Vec::new(),
            finish: Finish::Stop,
            warnings: envelope.warnings.to_vec(),
            left_out: 0,
        }
    }

    /// What is said before anything is known of the answer.
    pub fn opening(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.start)
    }

    /// What was not done as the client asked: the end says it.
    pub fn warn(&mut self, warnings: Vec<Warning>) {
        self.warnings.extend(warnings);
    }

    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        out.append(&mut self.start);
        match event {
            Event::Text { choice: 0, delta } | Event::Refusal { choice: 0, delta } => {
                if !delta.is_empty() {
                    let block = self.words(Kind::Text, out);
                    delta_of(block, &Delta::Text { text: delta }, out);
                }
            }
            Event::Reasoning { choice: 0, delta } => {
                if !delta.is_empty() {
                    let block = self.words(Kind::Thinking, out);
                    delta_of(block, &Delta::Thinking { thinking: delta }, out);
                }
            }
            Event::Boundary { choice: 0 } => self.close_words(out),
            Event::Proof { choice: 0, proof } => self.proof(proof, out),
            Event::Citation { choice: 0, citation } => {
                let open = self.open.as_ref().filter(|open| open.kind == Kind::Text);
                if let (Some(open), Some(citation)) = (open, CitationBody::of(citation)) {
                    delta_of(open.block, &Delta::Citations { citation }, out);
                }
            }
            Event::ToolCall { choice: 0, index, id, name, proof } => {
                self.close_words(out);
                // One whose arguments still come stays open beside it.
                self.close_calls(|call| serde_json::from_str::<IgnoredAny>(&call.arguments).is_ok(), out);
                let signature = proof.as_ref().and_then(|proof| proof.of_kind(ProofKind::GeminiSignature));
                let block = self.begin(
                    &Block::ToolUse { id: call_id::signed(id, signature), name, input: Empty {} },
                    out,
                );
                self.calls.push(OpenCall { block, index: *index, arguments: String::new() });
            }
            Event::ToolArguments { choice: 0, index, delta } => {
                if let Some(call) = self.calls.iter_mut().find(|call| call.index == *index) {
                    call.arguments.push_str(delta);
                    delta_of(call.block, &Delta::InputJson { partial_json: delta }, out);
                }
            }
            Event::Finish { choice: 0, reason } => {
                self.close_words(out);
                self.close_calls(|_| true, out);
                self.finish = *reason;
            }
            Event::About(about) => self.about(about),
            // Of other choices, or of what this protocol has no place for.
            Event::Text { .. }
            | Event::Refusal { .. }
            | Event::Reasoning { .. }
            | Event::Boundary { .. }
            | Event::Proof { .. }
            | Event::Citation { .. }
            | Event::ToolCall { .. }
            | Event::ToolArguments { .. }
            | Event::Finish { .. }
            | Event::Logprobs { .. }
            | Event::Usage(_) => {}
        }
    }

    /// Appends the stream's end.
    pub fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        out.append(&mut self.start);
        self.close_words(out);
        self.close_calls(|_| true, out);
        let end = End {
            kind: "message_delta",
            delta: EndDelta { stop_reason: stop_reason(self.finish), stop_sequence: None },
            usage: UsageBody::of(usage, Some(cost)),
            warnings: &self.warnings,
        };
        sse::write_json(out, Some("message_delta"), &end);
        sse::write_json(out, Some("message_stop"), &json!({"type": "message_stop"}));
    }

    /// Appends an error, which ends the stream.
    pub fn error(error: ErrorBody<'_>, out: &mut Vec<u8>) {
        sse::write_json(out, Some("error"), &Enclosed::of(error));
    }

    fn about(&mut self, about: &About) {
        let new = about.left_out.iter().skip(self.left_out);
        self.warnings.extend(new.map(|name| Warning::not_carried(name)));
        self.left_out = self.left_out.max(about.left_out.len());
    }

    /// The open block of words of this kind; it begins, if there is none.
    fn words(&mut self, kind: Kind, out: &mut Vec<u8>) -> u32 {
        if let Some(open) = self.open.as_ref().filter(|open| open.kind == kind) {
            return open.block;
        }
        self.close_words(out);
        self.close_calls(|_| true, out);
        let block = match kind {
            Kind::Text => self.begin(&Block::Text { text: "" }, out),
            Kind::Thinking => self.begin(&Block::Thinking { thinking: "", signature: "" }, out),
        };
        self.open = Some(Open { block, kind, has_proof: false });
        block
    }

    /// What proves the last thinking, or stands for some that is not shown.
    fn proof(&mut self, proof: &Proof, out: &mut Vec<u8>) {
        if let Some(data) = proof.of_kind(ProofKind::AnthropicRedacted) {
            self.close_words(out);
            let block = self.begin(&Block::RedactedThinking { data }, out);
            stop(block, out);
            return;
        }
        let Some(signature) = proof::write(proof, ProofKind::AnthropicSignature) else { return };
        let is_text = self.open.as_ref().is_some_and(|open| open.kind == Kind::Text);
        // Behind words or calls it proves those, for which this protocol has no place.
        if is_text || !self.calls.is_empty() {
            return;
        }
        if self.open.as_ref().is_some_and(|open| open.has_proof) {
            self.close_words(out);
        }
        let block = self.words(Kind::Thinking, out);
        delta_of(block, &Delta::Signature { signature: &signature }, out);
        if let Some(open) = &mut self.open {
            open.has_proof = true;
        }
    }

    fn begin(&mut self, content_block: &Block<'_>, out: &mut Vec<u8>) -> u32 {
        let index = self.next;
        self.next += 1;
        let begin = Begin { kind: "content_block_start", index, content_block };
        sse::write_json(out, Some("content_block_start"), &begin);
        index
    }

    fn close_words(&mut self, out: &mut Vec<u8>) {
        if let Some(open) = self.open.take() {
            stop(open.block, out);
        }
    }

    fn close_calls(&mut self, is_over: impl Fn(&OpenCall) -> bool, out: &mut Vec<u8>) {
        for call in self.calls.extract_if(.., |call| is_over(call)) {
            stop(call.block, out);
        }
    }
}

fn stop(index: u32, out: &mut Vec<u8>) {
    sse::write_json(out, Some("content_block_stop"), &json!({"type": "content_block_stop", "index": index}));
}

fn delta_of(index: u32, delta: &Delta<'_>, out: &mut Vec<u8>) {
    let more = More { kind: "content_block_delta", index, delta };
    sse::write_json(out, Some("content_block_delta"), &more);
}

#[derive(Serialize)]
struct Start<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: Body<'a>,
}

#[derive(Serialize)]
struct Begin<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    content_block: &'a Block<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    ToolUse { id: Cow<'a, str>, name: &'a str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct More<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    index: u32,
    delta: &'a Delta<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: CitationBody<'a> },
}

#[derive(Serialize)]
struct End<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    delta: EndDelta,
    usage: UsageBody,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [Warning],
}

#[derive(Serialize)]
struct EndDelta {
    stop_reason: &'static str,
    stop_sequence: Option<&'static str>,
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
