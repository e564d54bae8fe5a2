//! A model's stream, as watchers see it: pieces of items, each with its place.

use crate::domain::message::{AssistantPart, ChatReply, Event, Gather, TooLarge};
use crate::domain::thread::item;

/// The most bytes of one piece.
const MAX_DELTA: usize = 64 * 1_024;

/// A piece of an item that the model is writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Which item of the step, from 0.
    pub item: u32,
    pub kind: Kind,
    /// How many characters of the item stand before it.
    pub offset: u64,
    pub delta: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Reasoning,
}

/// Puts an answer together, and says where each piece of it stands. Its items are those that [`item::pieces`] makes of the
/// whole answer.
#[derive(Debug, Default)]
pub struct Streaming {
    gather: Gather,
    /// How many parts of the answer are counted in what follows.
    parts: usize,
    /// Items that were begun.
    items: u32,
    /// The first part of the last one.
    first: usize,
    /// Characters of the last one.
    chars: u64,
}

impl Streaming {
    /// Takes the next event of the answer's first choice.
    ///
    /// # Errors
    /// [`TooLarge`]: more was said than is kept of one answer.
    pub fn push(&mut self, event: Event) -> Result<Vec<Delta>, TooLarge> {
        let said = match &event {
            Event::Text { choice: 0, delta } | Event::Refusal { choice: 0, delta } => {
                Some((Kind::Text, delta.clone()))
            }
            Event::Reasoning { choice: 0, delta } => Some((Kind::Reasoning, delta.clone())),
            _ => None,
        };
        self.gather.push(event)?;
        self.count();
        let Some((kind, said)) = said else { return Ok(Vec::new()) };
        let item = self.items.saturating_sub(1);
        let mut deltas = Vec::new();
        let mut rest = said.as_str();
        while !rest.is_empty() {
            let (delta, more) = rest.split_at(rest.floor_char_boundary(MAX_DELTA));
            deltas.push(Delta { item, kind, offset: self.chars, delta: delta.to_owned() });
            self.chars += delta.chars().count() as u64;
            rest = more;
        }
        Ok(deltas)
    }

    /// The whole answer.
    pub fn finish(self) -> ChatReply {
        self.gather.finish()
    }

    /// Counts the parts that were begun since the last time.
    fn count(&mut self) {
        let parts = self.gather.parts(0);
        for at in self.parts..parts.len() {
            let first = if self.items == 0 { None } else { parts.get(self.first) };
            if parts.get(at).is_some_and(|part: &AssistantPart| item::begins(first, part)) {
                self.items += 1;
                self.first = at;
                self.chars = 0;
            }
        }
        self.parts = parts.len();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::message::{Citation, Message, Proof, ProofKind};

    fn any_event() -> impl Strategy<Value = Event> {
        let text = || "[aä😀]{0,3}";
        prop_oneof![
            4 => text().prop_map(|delta| Event::Text { choice: 0, delta }),
            3 => text().prop_map(|delta| Event::Reasoning { choice: 0, delta }),
            1 => text().prop_map(|delta| Event::Refusal { choice: 0, delta }),
            1 => Just(Event::Boundary { choice: 0 }),
            1 => Just(Event::Citation { choice: 0, citation: Box::new(Citation::default()) }),
            1 => Just(Event::Proof { choice: 0, proof: Proof::new(ProofKind::GeminiSignature, "s") }),
            1 => (0_u32..3).prop_map(|index| Event::ToolCall {
                choice: 0,
                index,
                id: index.to_string(),
                name: "f".to_owned(),
                proof: None
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_a_watcher_puts_together_is_what_the_items_say(events in prop::collection::vec(any_event(), 0..40)) {
            let mut streaming = Streaming::default();
            let mut held: std::collections::BTreeMap<u32, String> = std::collections::BTreeMap::new();
            for event in events {
                for Delta { item, offset, delta, .. } in streaming.push(event).unwrap() {
                    let text = held.entry(item).or_default();
                    *text = text.chars().take(usize::try_from(offset).unwrap()).collect::<String>() + &delta;
                }
            }
            let parts = streaming.finish().choices.into_iter().next().map(|choice| choice.parts).unwrap_or_default();
            for (n, piece) in item::pieces(parts).into_iter().enumerate() {
                let Message::Assistant { parts } = piece else { panic!("{piece:?}") };
                let says = |part: &AssistantPart| match part {
                    AssistantPart::Text(text) => text.text.clone(),
                    AssistantPart::Reasoning(reasoning) => reasoning.text.clone(),
                    AssistantPart::Refusal(text) => text.clone(),
                    _ => String::new(),
                };
                let text: String = parts.iter().map(says).collect();
                prop_assert_eq!(held.remove(&u32::try_from(n).unwrap()).unwrap_or_default(), text);
            }
            prop_assert!(held.is_empty(), "{:?}", held);
        }
    }
}
