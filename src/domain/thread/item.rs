//! The entries of a transcript.

use serde::{Deserialize, Serialize};

use super::id::EntryId;
use super::voice::Spoken;
use crate::domain::message::{AssistantPart, Message};
use crate::domain::time::Millis;

/// An entry of a thread, as it is kept: a message, or the piece of one that clients see as an entry of its own. An
/// assistant's turn is as many items as it has pieces; they have the same run and step.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// From 1, in the thread's order.
    pub position: u64,
    /// The run that wrote it; 0 where it was appended without one.
    pub run: u32,
    /// Its number in the run.
    pub entry: u32,
    /// The run's step that made it; 0 for what came in from outside.
    pub step: u32,
    pub at: Millis,
    pub message: Message,
    /// Of a summary: what it stands for. It is not sent where it stands, but before what has stayed.
    pub stands_for: Option<Span>,
    /// Who has said it, if that is somebody else than whose run it is.
    pub by: Option<Spoken>,
}

/// A part of a transcript: its first item and its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: EntryId,
    pub to: EntryId,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Message,
    Reasoning,
    ToolCall,
    ToolResult,
    Compaction,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Reasoning => "reasoning",
            Self::ToolCall => "tool_call",
            Self::ToolResult => "tool_result",
            Self::Compaction => "compaction",
        }
    }

    pub fn of_item(item: &Item) -> Self {
        if item.stands_for.is_some() { Self::Compaction } else { Self::of(&item.message) }
    }

    pub fn of(message: &Message) -> Self {
        match message {
            Message::Tool { .. } => Self::ToolResult,
            Message::Assistant { parts } => match parts.first() {
                Some(AssistantPart::Reasoning(_)) => Self::Reasoning,
                Some(AssistantPart::ToolCall(_)) => Self::ToolCall,
                _ => Self::Message,
            },
            Message::System { .. } | Message::User { .. } => Self::Message,
        }
    }
}

/// An assistant's turn as items: what is said in one go is one, each thought and each tool call is one.
/// [`super::transcript::sendable`] joins them again.
pub fn pieces(parts: Vec<AssistantPart>) -> Vec<Message> {
    let mut pieces: Vec<Vec<AssistantPart>> = Vec::new();
    for part in parts {
        match pieces.last_mut() {
            Some(piece) if !begins(piece.first(), &part) => piece.push(part),
            _ => pieces.push(vec![part]),
        }
    }
    pieces.into_iter().map(|parts| Message::Assistant { parts }).collect()
}

/// Whether a part begins another item than the one that begins with `first`.
pub fn begins(first: Option<&AssistantPart>, part: &AssistantPart) -> bool {
    let stands_alone =
        |part: &AssistantPart| matches!(part, AssistantPart::Reasoning(_) | AssistantPart::ToolCall(_));
    match part {
        // It ends what stands before it.
        AssistantPart::CachePoint(_) => first.is_none(),
        part => stands_alone(part) || first.is_none_or(stands_alone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{CachePoint, ToolCall};

    #[test]
    fn a_turn_is_cut_where_clients_see_another_entry() {
        let call = |id: &str| AssistantPart::ToolCall(ToolCall::new(id, "f", "{}"));
        let point = AssistantPart::CachePoint(CachePoint::default());
        let parts = vec![
            AssistantPart::reasoning("a"),
            AssistantPart::reasoning("b"),
            AssistantPart::text("c"),
            point.clone(),
            AssistantPart::text("d"),
            AssistantPart::Refusal("e".to_owned()),
            call("1"),
            call("2"),
            point,
            AssistantPart::text("f"),
        ];
        let pieces = pieces(parts.clone());
        let sizes: Vec<usize> = pieces
            .iter()
            .map(|piece| match piece {
                Message::Assistant { parts } => parts.len(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(sizes, [1, 1, 4, 1, 2, 1]);
        let kinds: Vec<_> = pieces.iter().map(|piece| Kind::of(piece).name()).collect();
        assert_eq!(kinds, ["reasoning", "reasoning", "message", "tool_call", "tool_call", "message"]);
    }
}
