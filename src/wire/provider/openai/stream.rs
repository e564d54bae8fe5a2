//! Reads streams.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::MAX_CHOICES;
use super::annotation::{Sources, citations};
use super::calls::{Calls, Unnamed, id_of};
use super::details::Details;
use super::error::{fault, reported};
use super::reply::{Embedded, ExtraContent, FunctionBody, Text, finish, first_said};
use super::usage::UsageBody;
use crate::domain::message::{About, Event, Finish, Usage};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json::malformed;
use crate::wire::provider::lenient::{Index, Lenient};
use crate::wire::sse::Frame;

/// What has been read of a stream.
#[derive(Debug, Default)]
pub struct StreamState {
    choices: Vec<ChoiceState>,
    calls: Calls,
    about: About,
    /// Whether sources were reported.
    is_cited: bool,
    /// The last count, unless something was said since.
    counted: Option<Usage>,
    done: bool,
}

#[derive(Debug)]
struct ChoiceState {
    index: u32,
    details: Details,
    finished: bool,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<ChoiceDelta<'a>>>,
    #[serde(default)]
    usage: Lenient<UsageBody>,
    #[serde(borrow)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow)]
    system_fingerprint: Option<&'a RawValue>,
    /// Perplexity's, as are the next; every chunk repeats them.
    #[serde(borrow)]
    search_results: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    error: Option<IgnoredAny>,
    /// An error that stands by itself, as vLLM and FastAPI write it.
    message: Option<IgnoredAny>,
    detail: Option<IgnoredAny>,
}

/// One choice of a chunk.
#[derive(Deserialize)]
pub struct ChoiceDelta<'a> {
    #[serde(default)]
    index: Index,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    /// A whole message in place of its pieces.
    #[serde(borrow)]
    message: Option<Delta<'a>>,
    #[serde(default)]
    finish_reason: Lenient<String>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    /// OpenRouter's place for why the provider behind it broke off.
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    /// Moonshot's place for it.
    #[serde(default)]
    usage: Lenient<UsageBody>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(default)]
    content: Text,
    #[serde(default)]
    reasoning_content: Text,
    #[serde(default)]
    reasoning: Text,
    #[serde(default)]
    refusal: Text,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<Vec<CallDelta<'a>>>,
    /// The call of before there were several.
    #[serde(borrow)]
    function_call: Option<FunctionBody<'a>>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    #[serde(borrow)]
    images: Option<&'a RawValue>,
}

/// A piece of a tool call.
#[derive(Deserialize)]
pub struct CallDelta<'a> {
    #[serde(default)]
    index: Index,
    #[serde(default)]
    id: Lenient<String>,
    #[serde(borrow)]
    function: Option<FunctionBody<'a>>,
    /// Workers AI's own form has the function's fields here.
    name: Option<String>,
    #[serde(default, borrow)]
    arguments: Embedded<'a>,
    #[serde(default)]
    extra_content: Lenient<ExtraContent>,
}

impl<'a> CallDelta<'a> {
    /// A piece of an answer's only call.
    fn only(function: FunctionBody<'a>) -> Self {
        let (id, extra_content) = Default::default();
        let (name, arguments) = (None, Embedded::default());
        Self { index: Index(Some(0)), id, function: Some(function), name, arguments, extra_content }
    }
}

impl StreamState {
    /// Takes one frame.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no chunk, or reports an error.
    pub fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let data = frame.data.trim_ascii();
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            self.end(events);
            return Ok(());
        }
        if frame.event == "error" {
            return Err(reported(data.as_bytes()));
        }
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(|error| malformed("a chunk", &error))?;
        let says_why = chunk.message.is_some() || chunk.detail.is_some();
        if chunk.error.is_some() || chunk.choices.is_none() && says_why {
            return Err(reported(data.as_bytes()));
        }
        let usage = chunk.usage.0.and_then(UsageBody::read);
        self.about(chunk.service_tier, chunk.system_fingerprint, events);
        for choice in chunk.choices.unwrap_or_default() {
            self.choice(choice, events).map_err(|error| error.counted(usage))?;
        }
        self.cite(Sources { search_results: chunk.search_results, citations: chunk.citations }, events);
        self.count(usage, events);
        Ok(())
    }

    /// Sources beside the choices, once.
    fn cite(&mut self, sources: Sources<'_>, events: &mut Vec<Event>) {
        if self.is_cited || self.choices.is_empty() {
            return;
        }
        let cited = sources.read();
        self.is_cited = !cited.is_empty();
        let event = |citation| Event::Citation { choice: 0, citation: Box::new(citation) };
        events.extend(cited.into_iter().map(event));
    }

    /// Every chunk repeats it; it is reported when it says more than before.
    fn about(&mut self, tier: Option<&RawValue>, fingerprint: Option<&RawValue>, events: &mut Vec<Event>) {
        let About { service_tier, system_fingerprint, .. } = &mut self.about;
        let mut is_new = false;
        for (known, raw) in [(service_tier, tier), (system_fingerprint, fingerprint)] {
            let Some(raw) = raw.filter(|_| known.is_none()) else { continue };
            *known = said(serde_json::from_str(raw.get()).ok());
            is_new |= known.is_some();
        }
        if is_new {
            events.push(Event::About(self.about.clone()));
        }
    }

    /// Reports the end of the bytes: every choice must have ended before, by its own word or by `[DONE]`.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] when the stream was cut.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.choices.is_empty() {
            return Err(DecodeError::Malformed("the stream has no answer".to_owned()));
        }
        if self.choices.iter().any(|choice| !choice.finished) {
            return Err(DecodeError::Malformed("the stream was cut".to_owned()));
        }
        self.calls.finish()
    }

    /// The documented end has come: what did not say why it ended has stopped, and what was counted after its last word
    /// was counted at its end.
    pub fn end(&mut self, events: &mut Vec<Event>) {
        self.done = true;
        let is_implied = self.choices.iter().any(|choice| !choice.finished);
        for choice in self.choices.iter_mut().filter(|choice| !choice.finished) {
            choice.finished = true;
            events.extend(choice.details.take(choice.index));
            self.calls.complete(choice.index, events);
            let called = self.calls.are_of(choice.index);
            let reason = if called { Finish::ToolCalls } else { Finish::Stop };
            events.push(Event::Finish { choice: choice.index, reason });
        }
        events.extend(self.counted.filter(|_| is_implied).map(Event::Usage));
    }

    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Takes one choice of a chunk.
    pub fn choice(&mut self, body: ChoiceDelta<'_>, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let choice = body.index.0.unwrap_or(0);
        let known = self.choices.len();
        self.begin(choice)?;
        let before = events.len();
        // One that repeats what came in pieces is passed over.
        let whole = body.message.filter(|_| self.choices.len() > known);
        let delta = body.delta.or(whole);
        let has_details = delta.as_ref().is_some_and(|delta| delta.reasoning_details.is_some());
        if let Some(delta) = delta {
            let reasoning = [delta.reasoning_content.answer, delta.reasoning.answer, delta.content.thinking];
            events.extend(first_said(reasoning).map(|delta| Event::Reasoning { choice, delta }));
            events.extend(said(delta.content.answer).map(|delta| Event::Text { choice, delta }));
            events.extend(said(delta.refusal.answer).map(|delta| Event::Refusal { choice, delta }));
            let cited = delta.annotations.map(citations).unwrap_or_default();
            self.is_cited |= !cited.is_empty();
            events.extend(
                cited.into_iter().map(|citation| Event::Citation { choice, citation: Box::new(citation) }),
            );
            if let Some(details) = delta.reasoning_details {
                self.details(choice, details)?;
            }
            for call in delta.tool_calls.unwrap_or_default() {
                self.call(choice, call, events)?;
            }
            if let Some(function) = delta.function_call {
                self.call(choice, CallDelta::only(function), events)?;
            }
            self.leave_out([("audio", delta.audio), ("images", delta.images)], events);
        }
        if events.len() > before || self.choices.len() > known || has_details {
            self.go_on();
        }
        let logprobs = body.logprobs.map(Into::into);
        events.extend(logprobs.map(|logprobs| Event::Logprobs { choice, logprobs }));
        if let Some(error) = body.error {
            return Err(fault(error.get().as_bytes()));
        }
        if let Some(reason) = body.finish_reason.0 {
            self.finished(choice, &reason, events)?;
        }
        self.count(body.usage.0.and_then(UsageBody::read), events);
        Ok(())
    }

    /// Notes what an answer has besides text and calls.
    fn leave_out(&mut self, parts: [(&str, Option<&RawValue>); 2], events: &mut Vec<Event>) {
        let said = parts.into_iter().filter(|(_, raw)| raw.is_some_and(|raw| raw.get() != "[]"));
        let new = said.filter(|(name, _)| self.about.leave_out(name)).count();
        if new > 0 {
            events.push(Event::About(self.about.clone()));
        }
    }

    /// Something was said: what was counted before is no longer the whole.
    pub const fn go_on(&mut self) {
        self.counted = None;
    }

    /// Takes a count.
    pub fn count(&mut self, usage: Option<Usage>, events: &mut Vec<Event>) {
        self.counted = usage.or(self.counted);
        events.extend(usage.map(Event::Usage));
    }

    /// Notes that a choice has begun.
    pub fn begin(&mut self, index: u32) -> Result<(), DecodeError> {
        if self.choices.iter().any(|choice| choice.index == index) {
            return Ok(());
        }
        if index >= MAX_CHOICES {
            return Err(DecodeError::Malformed(format!("a choice has the index {index}")));
        }
        self.choices.push(ChoiceState { index, details: Details::default(), finished: false });
        Ok(())
    }

    fn details(&mut self, index: u32, details: &RawValue) -> Result<(), DecodeError> {
        match self.choices.iter_mut().find(|choice| choice.index == index) {
            Some(choice) => choice.details.add(details),
            None => Ok(()),
        }
    }

    /// Takes a choice's reason to end; only the first counts.
    pub fn finished(&mut self, index: u32, reason: &str, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let Some(reason) = finish(reason)? else { return Ok(()) };
        let state = self.choices.iter_mut().find(|choice| choice.index == index);
        if let Some(state) = state.filter(|choice| !choice.finished) {
            state.finished = true;
            events.extend(state.details.take(index));
            self.calls.complete(index, events);
            events.push(Event::Finish { choice: index, reason });
        }
        Ok(())
    }

    /// Takes a piece of a tool call.
    pub fn call(
        &mut self,
        choice: u32,
        body: CallDelta<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        let function = body.function.unwrap_or(FunctionBody { name: body.name, arguments: body.arguments });
        let id = said(body.id.0);
        let name = said(function.name);
        let delta = function.arguments.text();
        if id.is_none() && name.is_none() && delta.is_empty() {
            return Ok(());
        }
        let (index, delta) = match self.calls.known(choice, body.index.0, id.as_deref(), name.is_some()) {
            Some(index) => (index, delta),
            None => {
                let proof = body.extra_content.0.and_then(ExtraContent::proof);
                let arguments = delta.into_owned();
                let piece = Unnamed { choice, given_index: body.index.0, id, arguments, proof };
                let call = self.calls.joined(piece);
                let Some(name) = name else { return self.calls.wait(call) };
                let Unnamed { given_index, id, arguments, proof, .. } = call;
                let index = self.calls.begin(choice, given_index, &id)?;
                let id = self.calls.unused(choice, id_of(id, index, &name, &arguments));
                events.push(Event::ToolCall { choice, index, id, name, proof });
                (index, Cow::Owned(arguments))
            }
        };
        if !delta.is_empty() {
            self.calls.argue(choice, index, &delta);
            events.push(Event::ToolArguments { choice, index, delta: delta.into_owned() });
        }
        Ok(())
    }
}

fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
