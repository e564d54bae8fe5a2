//! The protocols of model providers. A codec writes the request, reads the whole reply, and reads a stream piece by
//! piece; which one is used is the [`Wire`] of the provider.

pub mod anthropic;
#[cfg(test)]
mod call_bound_tests;
pub mod counting;
#[cfg(test)]
mod dialect_tests;
#[cfg(test)]
mod effort_tests;
pub mod embeddings;
mod exact;
mod fit;
#[cfg(test)]
mod fit_tests;
#[cfg(test)]
mod fixtures;
pub mod gemini;
pub(in crate::wire) mod json;
mod keys;
mod lenient;
#[cfg(test)]
mod lenient_tests;
mod lone_refs;
mod open_object;
pub mod openai;
#[cfg(test)]
mod pair_tests;
#[cfg(test)]
mod parts_tests;
mod plain_top;
mod refusal;
#[cfg(test)]
mod whole_tests;
pub mod workers_ai;

pub use super::decode_error::{DecodeError, Reported};

pub use openai::refused;

pub use fit::Renamed;
use keys::{Held, Keys};
pub use refusal::{Refusal, TOO_LONG, room_left};

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::domain::dialect::Dialect;
use crate::domain::message::{AssistantPart, ChatReply, ChatRequest, Event, Gather, replay};
use crate::domain::provider::Wire;
use crate::domain::warning::Warning;
use crate::wire::sse;

/// What is asked of one model: who it is, and how its server is spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub dialect: &'a Dialect,
    /// The model's code, such as `gpt-4.1-mini`.
    pub code: &'a str,
}

/// A request as this server takes it.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub outgoing: Outgoing,
    /// What was left out or changed on the way.
    pub warnings: Vec<Warning>,
    /// For reading the answer.
    pub renamed: Renamed,
}

/// A request ready to be sent: the key and the base URL are the sender's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Appended to the provider's base URL, beginning with `/`; for `workers-ai` the model's code.
    pub path: String,
    /// Besides `content-type: application/json` and the key.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Bytes,
}

/// Writes the request for this model. `stream` asks for a stream that ends with usage.
pub fn encode(target: Target<'_>, request: &ChatRequest, stream: bool) -> Encoded {
    let mut encoded = match Keys::rename(target.dialect, request) {
        None => write(target, request, stream),
        Some((keys, request)) => {
            let encoded = write(target, &request, stream);
            Encoded { renamed: Renamed { keys, ..encoded.renamed }, ..encoded }
        }
    };
    encoded.warnings.extend(fit::unsaid(target.dialect, request));
    encoded
}

fn write(target: Target<'_>, request: &ChatRequest, stream: bool) -> Encoded {
    match target.dialect.wire {
        Wire::OpenAi => openai::encode(target, request, stream),
        Wire::Anthropic => anthropic::encode(target, request, stream),
        Wire::Gemini => gemini::encode(target, request, stream),
        Wire::WorkersAi => workers_ai::encode(target, request, stream),
    }
}

/// Reads a whole reply.
///
/// # Errors
/// [`DecodeError`] when it is not what the provider documents.
pub fn decode(wire: Wire, renamed: &Renamed, body: &[u8]) -> Result<ChatReply, DecodeError> {
    let mut reply = match wire {
        Wire::OpenAi => openai::decode(body),
        Wire::Anthropic => anthropic::decode(body),
        Wire::Gemini => gemini::decode(body),
        Wire::WorkersAi => workers_ai::decode(body),
    }?;
    for choice in &mut reply.choices {
        let has_calls = choice.calls().next().is_some();
        choice.finish = choice.finish.of_answer(has_calls);
    }
    if !renamed.is_empty() {
        for part in reply.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
            if let AssistantPart::ToolCall(call) = part {
                renamed.restore(&mut call.name);
                renamed.keys.restore(&call.name, &mut call.arguments);
            }
        }
    }
    Ok(reply)
}

/// The header that carries the provider's key: its name, and what stands before the key in its value.
pub const fn key_header(wire: Wire) -> (&'static str, &'static str) {
    match wire {
        Wire::OpenAi | Wire::WorkersAi => ("authorization", "Bearer "),
        Wire::Anthropic => ("x-api-key", ""),
        Wire::Gemini => ("x-goog-api-key", ""),
    }
}

/// Whether a body is a stream of events, as some servers answer whatever was asked for.
pub fn is_stream(body: &[u8]) -> bool {
    let text = beginning(body);
    [b"data:".as_slice(), b"event:", b"id:", b"retry:", b":"].iter().any(|field| text.starts_with(field))
}

/// A body behind its byte order mark, of which a piece may have only the rest, and blanks, which some servers send while
/// they think.
fn beginning(body: &[u8]) -> &[u8] {
    let is_before = |byte: &u8| byte.is_ascii_whitespace() || "\u{feff}".as_bytes().contains(byte);
    let begins = body.iter().position(|byte| !is_before(byte));
    begins.and_then(|at| body.get(at..)).unwrap_or_default()
}

/// Reads a stream as it arrives, in whatever pieces. What turns out to be JSON is read at its end, as the whole answer or the
/// array of frames that it is: no line of a stream begins as JSON does.
#[derive(Debug)]
pub struct Decoder {
    wire: Wire,
    form: Form,
    /// It was a whole answer, and has been read.
    is_whole: bool,
    sse: sse::Decoder,
    state: State,
    renamed: Renamed,
    held: Held,
    /// The choices that have called tools.
    called: Vec<u32>,
}

/// What a body turns out to be.
#[derive(Debug)]
enum Form {
    /// Nothing but blanks has come.
    Unknown,
    Events,
    /// JSON, as much of it as has come.
    Json(Vec<u8>),
}

#[derive(Debug)]
enum State {
    OpenAi(openai::StreamState),
    Anthropic(anthropic::StreamState),
    Gemini(gemini::StreamState),
    WorkersAi(workers_ai::StreamState),
}

impl Decoder {
    pub fn new(wire: Wire, renamed: Renamed) -> Self {
        let state = match wire {
            Wire::OpenAi => State::OpenAi(openai::StreamState::default()),
            Wire::Anthropic => State::Anthropic(anthropic::StreamState::default()),
            Wire::Gemini => State::Gemini(gemini::StreamState::default()),
            Wire::WorkersAi => State::WorkersAi(workers_ai::StreamState::default()),
        };
        let (sse, held) = (sse::Decoder::default(), Held::default());
        Self { wire, form: Form::Unknown, is_whole: false, sse, state, renamed, held, called: Vec::new() }
    }

    /// Takes the next bytes and appends what they complete to `events`.
    ///
    /// # Errors
    /// [`DecodeError`]; the events before the fault are in `events`. Nothing more may be fed then.
    pub fn feed(&mut self, chunk: &[u8], events: &mut Vec<Event>) -> Result<(), DecodeError> {
        if let Form::Unknown = self.form {
            self.form = match beginning(chunk).first() {
                None => Form::Unknown,
                Some(b'{' | b'[') => Form::Json(Vec::new()),
                Some(_) => Form::Events,
            };
        }
        if let Form::Json(json) = &mut self.form {
            if json.len() + chunk.len() > Gather::MAX_BYTES {
                return Err(DecodeError::Malformed("the reply is too large".to_owned()));
            }
            json.extend_from_slice(chunk);
            return Ok(());
        }
        let (state, before) = (&mut self.state, events.len());
        let fed = self.sse.feed(chunk, &mut |frame| state.frame(&frame, events));
        self.correct(&mut events[before..]);
        self.restore(before, events);
        fed
    }

    /// Reports the end of the bytes.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] when the stream was cut before its documented end.
    pub fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        if let Form::Json(json) = std::mem::replace(&mut self.form, Form::Events) {
            return self.whole(beginning(&json), events);
        }
        let (state, before) = (&mut self.state, events.len());
        let fed = self.sse.finish(&mut |frame| state.frame(&frame, events));
        self.correct(&mut events[before..]);
        self.restore(before, events);
        self.held.release(&self.renamed.keys, None, events);
        fed?;
        if self.is_whole {
            return Ok(());
        }
        match &self.state {
            State::OpenAi(state) => state.finish(),
            State::Anthropic(state) => state.finish(),
            State::Gemini(state) => state.finish(),
            State::WorkersAi(state) => state.finish(),
        }
    }

    /// Takes JSON in place of a stream.
    fn whole(&mut self, json: &[u8], events: &mut Vec<Event>) -> Result<(), DecodeError> {
        self.is_whole = !json.starts_with(b"[");
        if self.is_whole {
            events.extend(replay(decode(self.wire, &self.renamed, json)?));
            return Ok(());
        }
        let frames: Vec<&RawValue> =
            serde_json::from_slice(json).map_err(|error| json::malformed("the stream", &error))?;
        let before = events.len();
        let taken = frames
            .iter()
            .try_for_each(|frame| self.state.frame(&sse::Frame { event: "", data: frame.get() }, events));
        self.correct(&mut events[before..]);
        self.restore(before, events);
        taken?;
        self.finish(events)
    }

    /// Says of each answer's end what is true of it.
    fn correct(&mut self, events: &mut [Event]) {
        for event in events {
            match event {
                Event::ToolCall { choice, index: 0, .. } => self.called.push(*choice),
                Event::Finish { choice, reason } => {
                    *reason = reason.of_answer(self.called.contains(choice));
                }
                _ => {}
            }
        }
    }

    /// Changes names back in the events from this one on.
    fn restore(&mut self, before: usize, events: &mut Vec<Event>) {
        if self.renamed.is_empty() {
            return;
        }
        let mut read = events.split_off(before);
        for event in &mut read {
            if let Event::ToolCall { name, .. } = event {
                self.renamed.restore(name);
            }
        }
        events.append(&mut self.held.pass(&self.renamed.keys, read));
    }
}

impl State {
    fn frame(&mut self, frame: &sse::Frame<'_>, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        match self {
            Self::OpenAi(state) => state.frame(frame, events),
            Self::Anthropic(state) => state.frame(frame, events),
            Self::Gemini(state) => state.frame(frame, events),
            Self::WorkersAi(state) => state.frame(frame, events),
        }
    }
}
