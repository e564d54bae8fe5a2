//! The stream: `message_start`, content blocks, `message_delta`, `message_stop`.
//!
//! The count that is a bill comes with `message_delta`: what `message_start` counts as output is a placeholder. It is reported
//! only where the end has no count of its own, before that end, and so is no bill; a stream cut between the two has none.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::citation::{Place, citation};
use super::reply::{ErrorBody, StopDetails, Tokens, finish, reported};
use crate::domain::message::{About, Citation, Event, Finish, Proof, ProofKind};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;
use crate::wire::provider::lenient::{Count, Lenient};
use crate::wire::sse::Frame;

/// The events that are read.
const KNOWN: [&str; 7] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
];

/// Where a stream stands.
#[derive(Debug, Default)]
pub struct StreamState {
    /// Tool calls whose blocks are open.
    open: Vec<OpenCall>,
    /// Tool calls so far.
    calls: u32,
    /// Their identifiers.
    ids: HashSet<String>,
    /// The message's.
    id: Option<String>,
    tokens: Tokens,
    about: About,
    place: Place,
    /// Of the block that is being said; they follow its text.
    cited: Vec<Citation>,
    /// Whether the last block was text or thinking, so that the next one of its kind is another part.
    is_said: bool,
    finish: Option<Finish>,
    /// Whether the message's own end brought a count.
    counted: bool,
    stopped: bool,
}

#[derive(Debug)]
struct OpenCall {
    /// The block's number in the message.
    block: u64,
    /// The call's number among the calls.
    index: u32,
    /// The arguments that the block began with, `{}` as a rule; told when no deltas replace them.
    unsaid: Option<String>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    index: Count,
    message: Option<Start>,
    content_block: Option<Block>,
    delta: Option<Delta>,
    #[serde(default)]
    usage: Lenient<Tokens>,
    #[serde(default)]
    error: Option<Lenient<ErrorBody>>,
}

#[derive(Default, Deserialize)]
struct Start {
    #[serde(default)]
    id: Lenient<String>,
    #[serde(default)]
    usage: Lenient<Tokens>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    citations: Option<Vec<Box<RawValue>>>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
}

/// Of a content block or, with the last two fields, of the message.
#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    citation: Option<Box<RawValue>>,
    partial_json: Option<String>,
    #[serde(default)]
    stop_reason: Lenient<String>,
    #[serde(default)]
    stop_details: Lenient<StopDetails>,
}

impl StreamState {
    /// Takes the next frame and appends what it says to `events`.
    ///
    /// # Errors
    /// [`DecodeError::Reported`] for an `error` event, [`DecodeError::Malformed`] for a frame that is none.
    pub fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        if self.stopped {
            return Ok(());
        }
        let body: Body = match serde_json::from_str(frame.data) {
            Ok(body) => body,
            Err(_) if is_unknown(frame.data) => return Ok(()),
            Err(error) => return Err(json::malformed("the stream", &error)),
        };
        match body.kind.as_str() {
            "message_start" => {
                let Start { id, usage } = body.message.unwrap_or_default();
                self.id = self.id.take().or(id.0);
                self.count(usage.0);
            }
            "content_block_start" => return self.begin(body.index.0, body.content_block, events),
            "content_block_delta" => self.delta(body.index.0, body.delta, events),
            "content_block_stop" => self.end(body.index.0, events),
            "message_delta" => return self.message_delta(body.delta, body.usage.0, events),
            "message_stop" => self.stop(events),
            "error" => {
                let usage = body.usage.0.and_then(|tokens| self.tokens.max(tokens).usage());
                let Some(error) = body.error else {
                    let fault = "the stream has an error event without an error";
                    return Err(DecodeError::Malformed(fault.to_owned()));
                };
                return Err(reported(frame.data.as_bytes(), error, usage));
            }
            // `ping`, and whatever the API adds: its versioning policy lets it.
            _ => {}
        }
        Ok(())
    }

    /// Reports the end of the bytes.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] when `message_stop` never came.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.stopped {
            return Ok(());
        }
        Err(DecodeError::Malformed("the stream ended before message_stop".to_owned()))
    }

    fn count(&mut self, tokens: Option<Tokens>) {
        self.tokens = self.tokens.max(tokens.unwrap_or_default());
    }

    fn begin(
        &mut self,
        index: Option<u64>,
        block: Option<Block>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        let Some(block) = block else { return Ok(()) };
        self.counted = false;
        self.cite(events);
        if std::mem::replace(&mut self.is_said, false) {
            events.push(Event::Boundary { choice: 0 });
        }
        match block.kind.as_str() {
            "text" => {
                self.is_said = true;
                self.say(block.text, events);
                self.cited.extend(block.citations.unwrap_or_default().iter().map(|raw| citation(raw)));
            }
            "thinking" => {
                self.is_said = true;
                events.extend(reasoning(block.thinking));
                events.extend(proof(ProofKind::AnthropicSignature, block.signature));
            }
            "redacted_thinking" => {
                self.is_said = true;
                events.extend(proof(ProofKind::AnthropicRedacted, block.data));
            }
            "tool_use" => {
                let (Some(id), Some(name)) = (block.id, block.name) else {
                    return Err(DecodeError::Malformed("a tool_use block has no id or no name".to_owned()));
                };
                json::count_call(self.calls as usize)?;
                let id = json::issued_id(Some(&id), self.id.as_deref(), self.calls);
                let id = json::unused(id, &mut self.ids);
                let index = index.unwrap_or_default();
                let input = block.input.map_or_else(|| "{}".to_owned(), |input| input.get().to_owned());
                self.open.push(OpenCall { block: index, index: self.calls, unsaid: Some(input) });
                events.push(Event::ToolCall { choice: 0, index: self.calls, id, name, proof: None });
                self.calls += 1;
            }
            kind if self.about.leave_out(kind) => events.push(Event::About(self.about.clone())),
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, index: Option<u64>, delta: Option<Delta>, events: &mut Vec<Event>) {
        let Some(delta) = delta else { return };
        self.counted = false;
        self.say(delta.text, events);
        events.extend(reasoning(delta.thinking));
        events.extend(proof(ProofKind::AnthropicSignature, delta.signature));
        self.cited.extend(delta.citation.as_deref().map(citation));
        let Some(json) = delta.partial_json.filter(|json| !json.is_empty()) else { return };
        if let Some(call) = self.open.iter_mut().find(|call| call.block == index.unwrap_or_default()) {
            call.unsaid = None;
            events.push(Event::ToolArguments { choice: 0, index: call.index, delta: json });
        }
    }

    fn say(&mut self, text: Option<String>, events: &mut Vec<Event>) {
        if let Some(delta) = text.filter(|delta| !delta.is_empty()) {
            self.place.go_on(&delta);
            events.push(Event::Text { choice: 0, delta });
        }
    }

    /// The block's text is complete.
    fn cite(&mut self, events: &mut Vec<Event>) {
        let place = self.place;
        let cited = self.cited.drain(..).map(|citation| Box::new(place.of(citation)));
        events.extend(cited.map(|citation| Event::Citation { choice: 0, citation }));
        self.place.begin();
    }

    fn end(&mut self, index: Option<u64>, events: &mut Vec<Event>) {
        self.cite(events);
        let Some(at) = self.open.iter().position(|call| call.block == index.unwrap_or_default()) else {
            return;
        };
        let call = self.open.swap_remove(at);
        if let Some(delta) = call.unsaid {
            events.push(Event::ToolArguments { choice: 0, index: call.index, delta });
        }
    }

    fn message_delta(
        &mut self,
        delta: Option<Delta>,
        tokens: Option<Tokens>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        if let Some(delta) = delta {
            if let Some(explanation) = delta.stop_details.0.and_then(|details| details.explanation) {
                events.push(Event::Refusal { choice: 0, delta: explanation });
            }
            if delta.stop_reason.0.is_some() {
                let usage = tokens.filter(|tokens| tokens.has_output());
                let usage = usage.and_then(|tokens| self.tokens.max(tokens).usage());
                let reason = finish(delta.stop_reason.0.as_deref()).map_err(|error| error.counted(usage))?;
                self.early_count(tokens, events);
                self.end_choice(reason, events);
            }
        }
        // What the beginning said of the output is a placeholder.
        if tokens.is_some_and(Tokens::has_output) {
            self.count(tokens);
            self.counted = true;
            events.extend(self.tokens.usage().map(Event::Usage));
        }
        Ok(())
    }

    /// Where the end brings no count of its own, the one of the beginning is reported before it.
    fn early_count(&self, tokens: Option<Tokens>, events: &mut Vec<Event>) {
        if !self.counted && !tokens.is_some_and(Tokens::has_output) {
            events.extend(self.tokens.usage().map(Event::Usage));
        }
    }

    fn stop(&mut self, events: &mut Vec<Event>) {
        if self.finish.is_none() {
            self.early_count(None, events);
            self.end_choice(Finish::Stop, events);
            events.extend(self.counted.then(|| self.tokens.usage()).flatten().map(Event::Usage));
        }
        self.stopped = true;
    }

    fn end_choice(&mut self, reason: Finish, events: &mut Vec<Event>) {
        if self.finish.is_none() {
            self.finish = Some(reason);
            self.cite(events);
            // Some servers do not say that a block has ended.
            for call in self.open.drain(..) {
                let unsaid =
                    call.unsaid.map(|delta| Event::ToolArguments { choice: 0, index: call.index, delta });
                events.extend(unsaid);
            }
            events.push(Event::Finish { choice: 0, reason });
        }
    }
}

/// An event that was added to the API may use our names for fields of other types.
fn is_unknown(data: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_str(data).is_ok_and(|Kind { kind }| !KNOWN.contains(&kind.as_str()))
}

fn reasoning(delta: Option<String>) -> Option<Event> {
    delta.filter(|delta| !delta.is_empty()).map(|delta| Event::Reasoning { choice: 0, delta })
}

fn proof(kind: ProofKind, value: Option<String>) -> Option<Event> {
    let value = value.filter(|value| !value.is_empty())?;
    Some(Event::Proof { choice: 0, proof: Proof::new(kind, value) })
}
