//! Events put together into the reply that they are the pieces of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::assistant::{AssistantPart, Citation, Reasoning, Text, ToolCall};
use super::event::Event;
use super::part::JsonText;
use super::proof::{Proof, ProofKind};
use super::reply::{ChatReply, Choice, Finish};
use super::usage::Usage;

/// The one way from [`Event`]s to a [`ChatReply`]: what a whole reply would have said. Bounded, whatever is fed.
#[derive(Debug, Default)]
pub struct Gather {
    choices: BTreeMap<u32, ChoiceState>,
    reply: ChatReply,
    bytes: usize,
}

/// More was said than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is longer than what is kept of one")]
pub struct TooLarge;

#[derive(Debug, Default)]
struct ChoiceState {
    parts: Vec<AssistantPart>,
    /// Whether the last part may go on.
    is_open: bool,
    /// Where the tool calls stand among the parts, by their index.
    calls: BTreeMap<u32, usize>,
    finish: Finish,
    logprobs: Vec<JsonText>,
}

impl Gather {
    /// As much as is read of a whole reply.
    pub const MAX_BYTES: usize = 16 * 1024 * 1024;
    /// What one event costs besides its text, at least: empty events must end somewhere, too.
    const PER_EVENT: usize = 32;

    /// Takes the next event.
    ///
    /// # Errors
    /// [`TooLarge`]; what was gathered before stands.
    pub fn push(&mut self, event: Event) -> Result<(), TooLarge> {
        self.bytes = self.bytes.saturating_add(Self::PER_EVENT + bytes(&event));
        if self.bytes > Self::MAX_BYTES {
            return Err(TooLarge);
        }
        match event {
            Event::Usage(usage) => {
                self.reply.usage = Some(self.reply.usage.map_or(usage, |before: Usage| before.max(usage)));
            }
            Event::About(about) => self.reply.about = about,
            Event::Text { choice, delta } => self.choice(choice).say(Kind::Text, delta),
            Event::Reasoning { choice, delta } => self.choice(choice).say(Kind::Reasoning, delta),
            Event::Refusal { choice, delta } => self.choice(choice).say(Kind::Refusal, delta),
            Event::Boundary { choice } => self.choice(choice).is_open = false,
            Event::Proof { choice, proof } => self.choice(choice).prove(proof),
            Event::Citation { choice, citation } => self.choice(choice).cite(*citation),
            Event::ToolCall { choice, index, id, name, proof } => {
                let call = ToolCall { id, name, arguments: String::new(), proof };
                self.choice(choice).call(index, call);
            }
            Event::ToolArguments { choice, index, delta } => {
                if let Some(call) = self.choice(choice).called(index) {
                    call.arguments.push_str(&delta);
                }
            }
            Event::Logprobs { choice, logprobs } => self.choice(choice).logprobs.push(logprobs),
            Event::Finish { choice, reason } => self.choice(choice).finish = reason,
        }
        Ok(())
    }

    /// What was pushed so far takes, at most: as [`Gather::MAX_BYTES`] counts.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The parts of a choice so far.
    pub fn parts(&self, choice: u32) -> &[AssistantPart] {
        self.choices.get(&choice).map_or(&[], |choice| &choice.parts)
    }

    /// The reply that the events were the pieces of.
    pub fn finish(self) -> ChatReply {
        let choices = self.choices.into_values().map(ChoiceState::finish).collect();
        ChatReply { choices, ..self.reply }
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        self.choices.entry(index).or_default()
    }
}

fn bytes(event: &Event) -> usize {
    match event {
        Event::Text { delta, .. }
        | Event::Reasoning { delta, .. }
        | Event::Refusal { delta, .. }
        | Event::ToolArguments { delta, .. } => delta.len(),
        Event::Proof { proof, .. } => proof.value.len(),
        Event::Citation { citation, .. } => {
            let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            let original = citation.original.as_ref().map_or(0, |proof| proof.value.len());
            text(&citation.url) + text(&citation.title) + text(&citation.quote) + original
        }
        Event::ToolCall { id, name, proof, .. } => {
            id.len() + name.len() + proof.as_ref().map_or(0, |proof| proof.value.len())
        }
        Event::Logprobs { logprobs, .. } => logprobs.as_str().len(),
        Event::Boundary { .. } | Event::Finish { .. } | Event::Usage(_) | Event::About(_) => 0,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Refusal,
}

impl ChoiceState {
    fn say(&mut self, kind: Kind, delta: String) {
        let open = if self.is_open { self.parts.last_mut() } else { None };
        match (kind, open) {
            (Kind::Text, Some(AssistantPart::Text(text))) => text.text.push_str(&delta),
            (Kind::Reasoning, Some(AssistantPart::Reasoning(reasoning))) => reasoning.text.push_str(&delta),
            (Kind::Refusal, Some(AssistantPart::Refusal(text))) => text.push_str(&delta),
            (Kind::Text, _) => self.begin(AssistantPart::text(delta)),
            (Kind::Reasoning, _) => self.begin(AssistantPart::reasoning(delta)),
            (Kind::Refusal, _) => self.begin(AssistantPart::Refusal(delta)),
        }
    }

    fn begin(&mut self, part: AssistantPart) {
        self.parts.push(part);
        self.is_open = true;
    }

    /// A source belongs to the text that is being said, or to the last one before a tool call.
    fn cite(&mut self, citation: Citation) {
        let texts = self.parts.iter_mut().rev().filter(|_| self.is_open);
        let last = texts.into_iter().find_map(|part| match part {
            AssistantPart::Text(text) => Some(text),
            _ => None,
        });
        match last {
            Some(text) => text.citations.push(citation),
            None => self.begin(AssistantPart::Text(Text { citations: vec![citation], ..Text::default() })),
        }
    }

    fn prove(&mut self, proof: Proof) {
        if proof.kind == ProofKind::ReasoningDetails {
            return self.prove_turn(proof);
        }
        let open = if self.is_open { self.parts.last_mut() } else { None };
        match open {
            Some(AssistantPart::Text(Text { proof: unproved @ None, .. })) => *unproved = Some(proof),
            Some(AssistantPart::Reasoning(Reasoning { proof: unproved @ None, .. })) => {
                *unproved = Some(proof);
            }
            // Gemini signs a text that is empty, too, at the end of a turn.
            _ if proof.kind == ProofKind::GeminiSignature => {
                self.begin(AssistantPart::Text(Text { proof: Some(proof), ..Text::default() }));
            }
            _ => self.begin(AssistantPart::Reasoning(Reasoning { text: String::new(), proof: Some(proof) })),
        }
    }

    fn prove_turn(&mut self, proof: Proof) {
        let first = self.parts.iter_mut().find_map(|part| match part {
            AssistantPart::Reasoning(reasoning) => Some(reasoning),
            _ => None,
        });
        match first {
            Some(reasoning) => reasoning.proof = Some(proof),
            None => {
                let reasoning = Reasoning { text: String::new(), proof: Some(proof) };
                self.parts.insert(0, AssistantPart::Reasoning(reasoning));
                self.calls.values_mut().for_each(|at| *at += 1);
            }
        }
    }

    fn call(&mut self, index: u32, call: ToolCall) {
        self.calls.insert(index, self.parts.len());
        self.begin(AssistantPart::ToolCall(call));
    }

    fn called(&mut self, index: u32) -> Option<&mut ToolCall> {
        match self.parts.get_mut(*self.calls.get(&index)?) {
            Some(AssistantPart::ToolCall(call)) => Some(call),
            _ => None,
        }
    }

    fn finish(self) -> Choice {
        Choice { parts: self.parts, finish: self.finish, logprobs: whole(self.logprobs) }
    }
}

/// OpenAI's `logprobs`: lists that a stream sends piece by piece.
#[derive(Default, Serialize, Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    content: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    refusal: Option<Vec<&'a RawValue>>,
}

/// One object of all pieces. What is not in the documented form stays as its first piece is.
fn whole(pieces: Vec<JsonText>) -> Option<JsonText> {
    if pieces.len() < 2 {
        return pieces.into_iter().next();
    }
    let mut lists = Lists::default();
    for piece in &pieces {
        let Ok(more) = serde_json::from_str::<Lists<'_>>(piece.as_str()) else { continue };
        extend(&mut lists.content, more.content);
        extend(&mut lists.refusal, more.refusal);
    }
    serde_json::to_string(&lists).ok().and_then(JsonText::parse)
}

fn extend<'a>(list: &mut Option<Vec<&'a RawValue>>, more: Option<Vec<&'a RawValue>>) {
    if let Some(more) = more {
        list.get_or_insert_default().extend(more);
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
