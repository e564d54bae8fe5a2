//! Items made into messages that any model can be sent.

use std::collections::{HashMap, HashSet};

use super::item::Item;
use crate::domain::message::{AssistantPart, Message, Part};

/// What a call that nothing answered is given as its result.
const UNANSWERED: &str = "There is no result of this call.";

/// The messages that these items are, in the thread's order.
///
/// Whatever stands in a transcript, what comes out has the form that every provider wants: it begins with what a person says,
/// the pieces of a turn are one message, every call has exactly one result right behind its turn, and there is no result
/// without a call. What people said between a call and its results comes after them.
pub fn sendable(items: Vec<Item>) -> Vec<Message> {
    let mut transcript = Transcript::default();
    for item in items {
        transcript.push(item);
    }
    transcript.finish()
}

#[derive(Default)]
struct Transcript {
    done: Vec<Message>,
    /// The turn whose pieces or results still come.
    turn: Option<Turn>,
    /// What people said since.
    meanwhile: Vec<Message>,
}

struct Turn {
    /// The run and the step that made it.
    of: (u32, u32),
    parts: Vec<AssistantPart>,
    results: HashMap<String, (Vec<Part>, bool)>,
}

impl Transcript {
    fn push(&mut self, item: Item) {
        let of = (item.run, item.step);
        match item.message {
            Message::Assistant { parts } => self.say(of, parts),
            Message::Tool { call_id, parts, is_error } => {
                if let Some(turn) = &mut self.turn
                    && AssistantPart::calls_of(&turn.parts).any(|call| call.id == call_id)
                {
                    turn.results.entry(call_id).or_insert((parts, is_error));
                }
            }
            said @ (Message::System { .. } | Message::User { .. }) => match &self.turn {
                Some(turn) if turn.is_open() => self.meanwhile.push(said),
                _ => {
                    self.seal();
                    self.done.push(said);
                }
            },
        }
    }

    fn say(&mut self, of: (u32, u32), parts: Vec<AssistantPart>) {
        match &mut self.turn {
            Some(turn) if turn.of == of && turn.results.is_empty() && self.meanwhile.is_empty() => {
                turn.parts.extend(parts);
            }
            _ => {
                self.seal();
                self.turn = Some(Turn { of, parts, results: HashMap::new() });
            }
        }
    }

    /// Ends the turn: each of its calls gets its result, or the word that there is none.
    fn seal(&mut self) {
        let Some(Turn { parts, mut results, .. }) = self.turn.take() else { return };
        let mut seen = HashSet::new();
        let ids = AssistantPart::calls_of(&parts).map(|call| call.id.clone());
        let ids: Vec<String> = ids.filter(|id| seen.insert(id.clone())).collect();
        let has_content = parts.iter().any(|part| !matches!(part, AssistantPart::CachePoint(_)));
        // A model cannot be asked to go on from what it said first.
        let is_first = !self.done.iter().any(|message| matches!(message, Message::User { .. }));
        if has_content && !is_first {
            self.done.push(Message::Assistant { parts });
            self.done.extend(ids.into_iter().map(|call_id| {
                let unanswered = || (vec![Part::Text(UNANSWERED.to_owned())], true);
                let (parts, is_error) = results.remove(&call_id).unwrap_or_else(unanswered);
                Message::Tool { call_id, parts, is_error }
            }));
        }
        self.done.append(&mut self.meanwhile);
    }

    fn finish(mut self) -> Vec<Message> {
        self.seal();
        self.done
    }
}

impl Turn {
    /// Whether a call still has no result.
    fn is_open(&self) -> bool {
        AssistantPart::calls_of(&self.parts).any(|call| !self.results.contains_key(&call.id))
    }
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
