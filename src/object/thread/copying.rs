//! A copy of another thread while it is not whole.

use serde::{Deserialize, Serialize};

use crate::domain::message::Message;
use crate::domain::thread::command::Create;
use crate::domain::thread::compaction::Horizon;
use crate::domain::thread::fork::{Copy, KEEP_MS, Origin, Progress};
use crate::domain::thread::id::{EntryId, RunId};
use crate::domain::thread::item::{Item, Span};
use crate::domain::thread::voice::Spoken;
use crate::domain::time::{self, Millis};

/// A copy that is not whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copying {
    /// What the thread will be.
    pub create: Create,
    pub origin: Origin,
    #[serde(flatten)]
    pub progress: Progress,
    /// The position before its first item.
    #[serde(default)]
    pub base: u64,
    /// The last turn of an assistant so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// When the first page came: what is copied was said by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// When the last page came.
    #[serde(with = "time::as_integer")]
    pub at: Millis,
}

/// A turn of an assistant: the items of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its run and step where it comes from.
    of: (u32, u32),
    /// The position here of its first item.
    pub first: u64,
}

impl Copying {
    pub const fn expires_at(&self) -> Millis {
        self.at.plus(KEEP_MS)
    }

    /// An item as it stands here: of no run. The pieces of a turn stay together, and apart from the turn before.
    pub fn item(&mut self, position: u64, copy: &Copy, message: Message, by: Option<Spoken>) -> Item {
        let of = (copy.run, copy.step);
        let mut step = 0;
        if matches!(message, Message::Assistant { .. }) {
            let last = self.turn.filter(|turn| turn.of == of);
            let turn = last.unwrap_or(Turn { of, first: position });
            self.turn = Some(turn);
            // What was appended without a run stays so.
            step = if of == (0, 0) { 0 } else { numbered(turn.first) };
        }
        let id = |place: u64| {
            let run = RunId { thread: self.create.key, number: 0 };
            EntryId { run, number: numbered(self.base + place) }
        };
        let stands_for = copy.stands_for.map(|(from, to)| Span { from: id(from), to: id(to) });
        Item { position, run: 0, entry: numbered(position), step, at: copy.at, message, stands_for, by }
    }

    /// Where the copy stands, of where the other thread stands by places.
    pub fn horizon(&self, places: Horizon) -> Horizon {
        let Horizon { until, summed, summary, brief } = places;
        let at = |place: u64| if place > 0 { self.base + place } else { 0 };
        Horizon { until: at(until), summed: at(summed), summary: summary.map(at), brief: at(brief) }
    }
}

/// An item's number, which is its place.
pub fn numbered(position: u64) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
