//! The stream: every frame is a response with the next parts of its candidates.
//!
//! It has no end marker: it is whole when every candidate has its finish reason, or the prompt was blocked. Usage is
//! counted in every frame, but only the first count is reported and those of the end: a stream that was cut must look
//! unmetered rather than cheap.

use std::collections::{BTreeMap, HashSet};

use super::citations::{Said, citations};
use super::logprobs::logprobs;
use super::response::{Candidate, FunctionCall, Part, Response, Tokens, finish};
use crate::domain::message::{About, Event, Finish, Proof, ProofKind, Usage};
use crate::wire::provider::DecodeError;
use crate::wire::provider::json;
use crate::wire::sse::Frame;

/// Where a stream stands.
#[derive(Debug, Default)]
pub struct StreamState {
    choices: BTreeMap<u32, ChoiceState>,
    /// Tool calls of all choices so far.
    issued: u32,
    /// Their identifiers.
    ids: HashSet<String>,
    usage: Option<Usage>,
    about: About,
}

#[derive(Debug, Default)]
struct ChoiceState {
    calls: u32,
    finished: bool,
    said: Said,
}

impl StreamState {
    /// Takes the next frame and appends what it says to `events`.
    ///
    /// # Errors
    /// [`DecodeError::Reported`] for an error object, [`DecodeError::Malformed`] for a frame that is no response.
    pub fn frame(&mut self, frame: &Frame<'_>, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let response: Response =
            serde_json::from_str(frame.data).map_err(|error| json::malformed("the stream", &error))?;
        match response.fault(frame.data.as_bytes()) {
            Some(fault) => Err(fault),
            None => self.take(response, events),
        }
    }

    /// Reports the end of the bytes.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] when a candidate was cut off, or none came.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.is_whole() {
            return Ok(());
        }
        Err(DecodeError::Malformed("the answer ended before its finish reason".to_owned()))
    }

    /// Takes a response: a whole reply, or the next piece of one.
    pub(super) fn take(&mut self, response: Response, events: &mut Vec<Event>) -> Result<(), DecodeError> {
        let usage = response.usage_metadata.0.and_then(Tokens::usage);
        for candidate in response.candidates.unwrap_or_default() {
            let taken = self.candidate(candidate, response.response_id.0.as_deref(), events);
            taken.map_err(|error| error.counted(usage))?;
        }
        if response.prompt_feedback.0.is_some_and(|feedback| feedback.block_reason.is_some()) {
            self.end(0, Finish::ContentFilter, events);
        }
        if let Some(usage) = usage {
            let before = self.usage.replace(self.usage.unwrap_or_default().max(usage));
            let is_due = before.is_none() || self.is_whole();
            events.extend(self.usage.filter(|_| is_due).map(Event::Usage));
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        !self.choices.is_empty() && self.choices.values().all(|choice| choice.finished)
    }

    fn candidate(
        &mut self,
        candidate: Candidate,
        reply: Option<&str>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        let choice = candidate.index.0.unwrap_or_default();
        self.choices.entry(choice).or_default().said.go_on();
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            self.part(choice, part, reply, events)?;
        }
        let said = &self.choices.entry(choice).or_default().said;
        let cited = citations(candidate.citation_metadata.0, candidate.grounding_metadata.0, said);
        let cited = cited.into_iter().map(Box::new);
        events.extend(cited.map(|citation| Event::Citation { choice, citation }));
        let logprobs = candidate.logprobs_result.0.and_then(|result| logprobs(&result));
        events.extend(logprobs.map(|logprobs| Event::Logprobs { choice, logprobs }));
        if let Some(reason) = finish(candidate.finish_reason.0.as_deref())? {
            self.end(choice, reason, events);
        }
        Ok(())
    }

    fn part(
        &mut self,
        choice: u32,
        part: Part,
        reply: Option<&str>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        let text = part.text.as_deref().filter(|_| part.thought.0 != Some(true));
        self.choices.entry(choice).or_default().said.part(text);
        if part.left_out().is_some_and(|name| self.about.leave_out(name)) {
            events.push(Event::About(self.about.clone()));
        }
        if let Some(call) = part.function_call {
            return self.call(choice, call, part.thought_signature, reply, events);
        }
        let delta = part.text.filter(|text| !text.is_empty());
        let is_silent = delta.is_none();
        events.extend(delta.map(|delta| match part.thought.0 {
            Some(true) => Event::Reasoning { choice, delta },
            _ => Event::Text { choice, delta },
        }));
        // What has been proved is complete.
        if let Some(proof) = proof(part.thought_signature) {
            // A thought that is not shown is none of the text that a signature alone would be of.
            let is_hidden = part.thought.0 == Some(true) && is_silent;
            events.extend(is_hidden.then(|| Event::Reasoning { choice, delta: String::new() }));
            events.extend([Event::Proof { choice, proof }, Event::Boundary { choice }]);
        }
        Ok(())
    }

    fn call(
        &mut self,
        choice: u32,
        call: FunctionCall,
        signature: Option<String>,
        reply: Option<&str>,
        events: &mut Vec<Event>,
    ) -> Result<(), DecodeError> {
        json::count_call(self.issued as usize)?;
        let state = self.choices.entry(choice).or_default();
        let index = state.calls;
        state.calls += 1;
        let id = json::issued_id(call.id.0.as_deref(), reply, self.issued);
        let id = json::unused(id, &mut self.ids);
        self.issued += 1;
        let arguments = call.args.map_or_else(|| "{}".to_owned(), |args| args.get().to_owned());
        events.push(Event::ToolCall { choice, index, id, name: call.name, proof: proof(signature) });
        events.push(Event::ToolArguments { choice, index, delta: arguments });
        Ok(())
    }

    fn end(&mut self, choice: u32, reason: Finish, events: &mut Vec<Event>) {
        let state = self.choices.entry(choice).or_default();
        if !std::mem::replace(&mut state.finished, true) {
            events.push(Event::Finish { choice, reason });
        }
    }
}

fn proof(signature: Option<String>) -> Option<Proof> {
    let signature = signature.filter(|signature| !signature.is_empty())?;
    Some(Proof::new(ProofKind::GeminiSignature, signature))
}
