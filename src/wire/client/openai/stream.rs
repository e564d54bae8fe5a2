//! Writes streams, chunk by chunk as the events come.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::annotation::AnnotationBody;

use super::error::{Enclosed, ErrorBody};
use super::reply::{Envelope, ExtraContent, UsageBody, finish_reason};
use crate::domain::message::{About, Event, Finish, Proof, ProofKind, Usage};
use crate::domain::money::Nanos;
use crate::domain::warning::Warning;
use crate::wire::client::call_id;
use crate::wire::{reasoning_details, sse, write_json};

const ROLE: &str = "assistant";
/// OpenAI's limit of `n`; what a provider counts beyond is nobody's answer.
const MAX_CHOICES: u32 = 128;

/// Writes the chunks of one stream.
///
/// What is the same on every chunk is written once and copied.
#[derive(Debug)]
pub struct StreamEncoder {
    /// `data: {"id":…,"model":"…"`.
    head: Vec<u8>,
    include_usage: bool,
    /// How many choices have begun.
    begun: u32,
    /// By choice, what is being thought, for the entry that proves it.
    thoughts: BTreeMap<u32, Thought>,
    /// `,"warnings":[…]`, until it is written.
    warnings: Vec<u8>,
    /// How many parts of the answer are among them.
    left_out: usize,
}

#[derive(Debug, Default)]
struct Thought {
    text: String,
    /// Entries of `reasoning_details` so far.
    proven: usize,
    /// Whether nothing was said since the last tool call.
    is_called: bool,
}

impl StreamEncoder {
    pub fn new(envelope: &Envelope<'_>, include_usage: bool) -> Self {
        let mut head = b"data: ".to_vec();
        let object = "chat.completion.chunk";
        let Envelope { id, created_s: created, model, warnings: said, cached } = *envelope;
        write_json(&mut head, &Head { id, object, created, model, cached });
        // The closing brace: choices follow.
        head.pop();
        let mut warnings = Vec::new();
        if !said.is_empty() {
            warnings.extend_from_slice(b",\"warnings\":");
            write_json(&mut warnings, &said);
        }
        Self { head, include_usage, begun: 0, thoughts: BTreeMap::new(), warnings, left_out: 0 }
    }

    /// Appends the chunk for an event. Usage comes with [`StreamEncoder::finish`].
    pub fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice, delta } => {
                if let Some(thought) = self.thoughts.get_mut(choice).filter(|_| !delta.is_empty()) {
                    thought.is_called = false;
                }
                self.chunk(*choice, Delta { content: Some(delta), ..Delta::default() }, None, out);
            }
            Event::Reasoning { choice, delta } => {
                self.thoughts.entry(*choice).or_default().text.push_str(delta);
                self.chunk(*choice, Delta { reasoning_content: Some(delta), ..Delta::default() }, None, out);
            }
            Event::Refusal { choice, delta } => {
                self.chunk(*choice, Delta { refusal: Some(delta), ..Delta::default() }, None, out);
            }
            Event::Boundary { choice } => {
                if let Some(thought) = self.thoughts.get_mut(choice) {
                    thought.text.clear();
                }
            }
            Event::Proof { choice, proof } => self.proof(*choice, proof, out),
            Event::Citation { choice, citation } => {
                let annotations = AnnotationBody::of(citation).map(|annotation| [annotation]);
                if annotations.is_some() {
                    self.chunk(*choice, Delta { annotations, ..Delta::default() }, None, out);
                }
            }
            Event::ToolCall { choice, index, id, name, proof } => {
                let signature = proof.as_ref().and_then(|proof| proof.of_kind(ProofKind::GeminiSignature));
                self.thoughts.entry(*choice).or_default().is_called = true;
                let call = CallDelta {
                    index: *index,
                    id: Some(call_id::signed(id, signature)),
                    kind: Some("function"),
                    function: FunctionDelta { name: Some(name), arguments: "" },
                    extra_content: signature.map(ExtraContent::of),
                };
                self.chunk(*choice, Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
            }
            Event::ToolArguments { choice, index, delta } => {
                let function = FunctionDelta { name: None, arguments: delta };
                let call = CallDelta { index: *index, id: None, kind: None, function, extra_content: None };
                self.chunk(*choice, Delta { tool_calls: Some([call]), ..Delta::default() }, None, out);
            }
            Event::Logprobs { choice, logprobs } => {
                let end = End { logprobs: logprobs.raw(), finish_reason: None };
                self.chunk_with(*choice, Delta::default(), &end, out);
            }
            Event::Finish { choice, reason } => self.finished(*choice, *reason, out),
            Event::Usage(_) => {}
            Event::About(about) => self.about(about),
        }
    }

    /// What proves reasoning, in the entry that clients send back.
    fn proof(&mut self, choice: u32, proof: &Proof, out: &mut Vec<u8>) {
        match proof.kind {
            ProofKind::GeminiSignature => {
                let is_called = self.thoughts.get(&choice).is_some_and(|thought| thought.is_called);
                let extra_content = Some(ExtraContent::behind(is_called, &proof.value));
                self.chunk(choice, Delta { extra_content, ..Delta::default() }, None, out);
            }
            ProofKind::ReasoningDetails => {
                let details = serde_json::from_str(&proof.value).ok();
                self.chunk(choice, Delta { reasoning_details: details, ..Delta::default() }, None, out);
            }
            _ => {
                let thought = self.thoughts.entry(choice).or_default();
                let entry = reasoning_details::entry(thought.proven, &thought.text, proof);
                thought.proven += 1;
                thought.text.clear();
                let details = entry.and_then(|entry| RawValue::from_string(format!("[{entry}]")).ok());
                if let Some(details) = details.as_deref() {
                    self.chunk(
                        choice,
                        Delta { reasoning_details: Some(details), ..Delta::default() },
                        None,
                        out,
                    );
                }
            }
        }
    }

    fn finished(&mut self, choice: u32, reason: Finish, out: &mut Vec<u8>) {
        let delta = Delta { content: self.is_new(choice).then_some(""), ..Delta::default() };
        self.chunk(choice, delta, Some(finish_reason(reason)), out);
        // Without a chunk of usage this may be the last.
        if !self.include_usage && !self.warnings.is_empty() && out.ends_with(b"}\n\n") {
            out.truncate(out.len() - b"}\n\n".len());
            out.append(&mut self.warnings);
            out.extend_from_slice(b"}\n\n");
        }
    }

    /// From here on every chunk says it.
    fn about(&mut self, about: &About) {
        for (name, value) in
            [("service_tier", &about.service_tier), ("system_fingerprint", &about.system_fingerprint)]
        {
            let member = format!(",\"{name}\":");
            let is_said = memchr::memmem::find(&self.head, member.as_bytes()).is_some();
            if let Some(value) = value.as_ref().filter(|_| !is_said) {
                self.head.extend_from_slice(member.as_bytes());
                write_json(&mut self.head, value);
            }
        }
        for name in about.left_out.iter().skip(self.left_out) {
            self.left_out += 1;
            self.warning(&Warning::not_carried(name));
        }
    }

    /// What was not done as the client asked: the last chunk says it.
    pub fn warning(&mut self, warning: &Warning) {
        // The list goes on, or begins.
        match self.warnings.pop() {
            Some(_) => self.warnings.push(b','),
            None => self.warnings.extend_from_slice(b",\"warnings\":["),
        }
        write_json(&mut self.warnings, warning);
        self.warnings.push(b']');
    }

    /// Appends the stream's end.
    pub fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        if self.include_usage {
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b",\"choices\":[],\"usage\":");
            write_json(out, &UsageBody::of(usage, cost));
            out.append(&mut self.warnings);
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
    fn chunk(&mut self, index: u32, delta: Delta<'_>, finish_reason: Option<&str>, out: &mut Vec<u8>) {
        self.chunk_with(index, delta, &End { logprobs: None, finish_reason }, out);
    }

    fn chunk_with(&mut self, index: u32, mut delta: Delta<'_>, end: &End<'_>, out: &mut Vec<u8>) {
        if index >= MAX_CHOICES {
            return;
        }
        while self.begun < index {
            let opening = Delta { role: Some(ROLE), content: Some(""), ..Delta::default() };
            self.write(self.begun, opening, &End::default(), out);
            self.begun += 1;
        }
        if self.begun == index {
            delta.role = Some(ROLE);
            self.begun += 1;
        }
        self.write(index, delta, end, out);
    }

    fn write(&self, index: u32, delta: Delta<'_>, end: &End<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":[");
        let End { logprobs, finish_reason } = *end;
        write_json(out, &ChoiceDelta { index, delta, logprobs, finish_reason });
        let tail = if self.include_usage { b"],\"usage\":null}\n\n".as_slice() } else { b"]}\n\n" };
        out.extend_from_slice(tail);
    }
}

/// What stands beside a choice's delta.
#[derive(Clone, Copy, Default)]
struct End<'a> {
    logprobs: Option<&'a RawValue>,
    finish_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cached: bool,
}

#[derive(Serialize)]
struct ChoiceDelta<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<&'a RawValue>,
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
    reasoning_details: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[AnnotationBody<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallDelta<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Serialize)]
struct CallDelta<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: FunctionDelta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
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
