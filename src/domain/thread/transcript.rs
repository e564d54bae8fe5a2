//! Items made into messages that any model can be sent.

use std::collections::{HashMap, VecDeque};

use super::id::{EntryId, ThreadKey};
use super::item::Item;
use crate::domain::field_error::FieldError;
use crate::domain::message::{AssistantPart, Message, Part, pair_calls};

/// What a call that nothing answered is given as its result.
const UNANSWERED: &str = "There is no result of this call.";
/// What stands before a result whose call is left out.
const WITHOUT_CALL: &str = "[The result of a tool that was called earlier in this conversation:]";

/// The messages that these items are, in the thread's order.
///
/// Whatever stands in a transcript, what comes out has the form that every provider wants: it begins with what a person says,
/// the pieces of a turn are one message, every call has exactly one result right behind its turn, there is no result
/// without a call, and no two calls have the same id. What stands between a call and its result comes after the result.
pub fn sendable(items: impl IntoIterator<Item = Item>) -> Vec<Message> {
    sendable_behind([], items).0
}

/// The same of items behind earlier ones, and how many of the messages are these.
pub fn sendable_behind(
    earlier: impl IntoIterator<Item = Item>,
    items: impl IntoIterator<Item = Item>,
) -> (Vec<Message>, usize) {
    let mut transcript = Transcript::default();
    earlier.into_iter().for_each(|item| transcript.push(item));
    transcript.earlier = transcript.entries.len();
    items.into_iter().for_each(|item| transcript.push(item));
    transcript.finish()
}

/// The calls in what a client says that have an id of the thread's own runs: only a run gives its calls their ids, or a
/// result could not be told from another. `field` is the list that the messages were read from.
pub fn claimed_ids(thread: ThreadKey, field: &str, messages: &[Message]) -> Vec<FieldError> {
    let is_own = |id: &str| EntryId::parse(id).is_some_and(|entry| entry.run.thread == thread);
    let mut faults = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let Message::Assistant { parts } = message else { continue };
        for (nth, call) in AssistantPart::calls_of(parts).enumerate() {
            if is_own(&call.id) {
                let field = format!("{field}[{at}].tool_calls[{nth}].id");
                let message =
                    "is an id of this thread's runs: give a call that you append another".to_owned();
                faults.push(FieldError { field, message });
            }
        }
    }
    faults
}

/// What answers a call of an earlier run that is not sent any more.
fn without_call(parts: Vec<Part>) -> Message {
    let words = Part::Text(WITHOUT_CALL.to_owned());
    Message::User { name: None, parts: [words].into_iter().chain(parts).collect() }
}

#[derive(Default)]
struct Transcript {
    entries: Vec<Entry>,
    /// How many of the entries are earlier ones.
    earlier: usize,
    /// Calls without a result, by the run that made them and their id: which turn, and which call of it. A result belongs to
    /// the newest turn that has such a call.
    open: HashMap<(u32, String), VecDeque<(usize, usize)>>,
}

enum Entry {
    Said(Message),
    Turn(Turn),
}

struct Turn {
    /// The run and the step that made it.
    of: (u32, u32),
    parts: Vec<AssistantPart>,
    /// Of each call.
    results: Vec<Option<(Vec<Part>, bool)>>,
}

impl Transcript {
    fn push(&mut self, item: Item) {
        let of = (item.run, item.step);
        match item.message {
            Message::Assistant { parts } => self.say(of, parts),
            Message::Tool { call_id, parts, is_error } => {
                let open = self.open_call(item.run, &call_id);
                if let Some((at, nth)) = open
                    && let Some(Entry::Turn(turn)) = self.entries.get_mut(at)
                    && let Some(result) = turn.results.get_mut(nth)
                {
                    *result = Some((parts, is_error));
                } else if item.run > 0 && item.step == 0 && EntryId::parse(&call_id).is_some() {
                    self.entries.push(Entry::Said(without_call(parts)));
                }
            }
            said @ (Message::System { .. } | Message::User { .. }) => self.entries.push(Entry::Said(said)),
        }
    }

    /// The call that a result answers which stands in a run: one of that run, one that an earlier run has left to its client, or
    /// one of no run, as in a copy.
    fn open_call(&mut self, run: u32, id: &str) -> Option<(usize, usize)> {
        let made_by = EntryId::parse(id).map(|call| call.run.number);
        let runs = [Some(run), made_by, made_by.map(|_| 0)];
        runs.into_iter()
            .flatten()
            .find_map(|run| self.open.get_mut(&(run, id.to_owned())).and_then(VecDeque::pop_front))
    }

    fn say(&mut self, of: (u32, u32), parts: Vec<AssistantPart>) {
        let goes_on = match self.entries.last() {
            Some(Entry::Turn(turn)) => turn.of == of && turn.results.iter().all(Option::is_none),
            _ => false,
        };
        if !goes_on {
            self.entries.push(Entry::Turn(Turn { of, parts: Vec::new(), results: Vec::new() }));
        }
        let at = self.entries.len().saturating_sub(1);
        let Some(Entry::Turn(turn)) = self.entries.last_mut() else { return };
        for call in AssistantPart::calls_of(&parts) {
            let open = self.open.entry((of.0, call.id.clone())).or_default();
            open.retain(|(turn, _)| *turn == at);
            open.push_back((at, turn.results.len()));
            turn.results.push(None);
        }
        turn.parts.extend(parts);
    }

    /// Gives each call its result, or the word that there is none.
    fn finish(self) -> (Vec<Message>, usize) {
        let mut messages = Vec::with_capacity(self.entries.len());
        let mut earlier = 0;
        // A model cannot be asked to go on from what it said first.
        let mut is_first = true;
        for (at, entry) in self.entries.into_iter().enumerate() {
            match entry {
                Entry::Said(said) => {
                    is_first &= !matches!(said, Message::User { .. });
                    messages.push(said);
                }
                Entry::Turn(turn) if !is_first && turn.has_content() => turn.write(&mut messages),
                Entry::Turn(_) => {}
            }
            if at < self.earlier {
                earlier = messages.len();
            }
        }
        pair_calls(&mut messages);
        (messages, earlier)
    }
}

impl Turn {
    fn has_content(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, AssistantPart::CachePoint(_)))
    }

    fn write(self, messages: &mut Vec<Message>) {
        let ids: Vec<String> = AssistantPart::calls_of(&self.parts).map(|call| call.id.clone()).collect();
        messages.push(Message::Assistant { parts: self.parts });
        messages.extend(ids.into_iter().zip(self.results).map(|(call_id, result)| {
            let unanswered = || (vec![Part::Text(UNANSWERED.to_owned())], true);
            let (parts, is_error) = result.unwrap_or_else(unanswered);
            Message::Tool { call_id, parts, is_error }
        }));
    }
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
