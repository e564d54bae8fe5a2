//! A whole reply taken apart into the events that [`super::Gather`] makes it of.

use super::assistant::{AssistantPart, Reasoning, Text, ToolCall};
use super::event::Event;
use super::proof::{Proof, ProofKind};
use super::reply::{ChatReply, Choice};

/// The events of a stream that says what this reply says, each part in one piece.
pub fn replay(reply: ChatReply) -> Vec<Event> {
    let mut events = Vec::new();
    if !reply.about.is_empty() {
        events.push(Event::About(reply.about));
    }
    for (index, choice) in (0..).zip(reply.choices) {
        Replay { choice: index, calls: 0, events: &mut events }.choice(choice);
    }
    events.extend(reply.usage.map(Event::Usage));
    events
}

/// One choice on its way.
struct Replay<'a> {
    choice: u32,
    /// How many tool calls have begun.
    calls: u32,
    events: &'a mut Vec<Event>,
}

impl Replay<'_> {
    fn choice(mut self, choice: Choice) {
        for (place, part) in choice.parts.into_iter().enumerate() {
            if place > 0 {
                self.events.push(Event::Boundary { choice: self.choice });
            }
            self.part(place, part);
        }
        let index = self.choice;
        self.events.extend(choice.logprobs.map(|logprobs| Event::Logprobs { choice: index, logprobs }));
        self.events.push(Event::Finish { choice: index, reason: choice.finish });
    }

    fn part(&mut self, place: usize, part: AssistantPart) {
        let choice = self.choice;
        match part {
            AssistantPart::Text(Text { text, citations, proof }) => {
                self.events.push(Event::Text { choice, delta: text });
                let citations = citations.into_iter().map(Box::new);
                self.events.extend(citations.map(|citation| Event::Citation { choice, citation }));
                self.proof(proof);
            }
            AssistantPart::Reasoning(Reasoning { text, proof }) => {
                if !text.is_empty() || !proof.as_ref().is_some_and(|proof| begins_a_part(place, proof)) {
                    self.events.push(Event::Reasoning { choice, delta: text });
                }
                self.proof(proof);
            }
            AssistantPart::Refusal(delta) => self.events.push(Event::Refusal { choice, delta }),
            AssistantPart::ToolCall(call) => self.call(call),
            // Models do not say any.
            AssistantPart::CachePoint(_) => {}
        }
    }

    fn call(&mut self, call: ToolCall) {
        let (choice, index) = (self.choice, self.calls);
        let ToolCall { id, name, arguments, proof } = call;
        self.events.push(Event::ToolCall { choice, index, id, name, proof });
        if !arguments.is_empty() {
            self.events.push(Event::ToolArguments { choice, index, delta: arguments });
        }
        self.calls += 1;
    }

    fn proof(&mut self, proof: Option<Proof>) {
        let choice = self.choice;
        self.events.extend(proof.map(|proof| Event::Proof { choice, proof }));
    }
}

/// Whether this proof alone is reasoning that is not shown. What proves a whole turn goes to its first reasoning, which is then
/// the first part; Gemini's signature alone is an empty text.
const fn begins_a_part(place: usize, proof: &Proof) -> bool {
    match proof.kind {
        ProofKind::ReasoningDetails => place == 0,
        ProofKind::GeminiSignature => false,
        _ => true,
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
