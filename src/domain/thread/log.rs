//! Numbers of events: of a run (`seq`) and of its thread (`position`). They grow, and none is used twice, whatever crashes.
//!
//! What a model says is sent to watchers at once and written a little later. So each write also reserves numbers, and after a
//! crash in the middle of a step the run goes on behind what was reserved; [`Voids`] says which numbers nobody will see.

use serde::{Deserialize, Serialize};

use crate::domain::run::event::{Event, Numbered, Voids};
use crate::domain::thread::id::RunId;

/// How many numbers are reserved ahead.
const RESERVED: u64 = 1_000;
/// Behind so many events of other runs a run's next one is found without reading those.
const FAR: u64 = 250;
/// How often.
const MAX_JUMPS: usize = 100;

/// The numbers of a run, as they are written with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seqs {
    /// The next one, as of this write.
    pub next: u64,
    /// None above this one was given.
    pub reserved: u64,
    /// The same of the thread's positions.
    pub reserved_position: u64,
    /// The position of the run's first event.
    pub first_position: u64,
    /// Where its events go on behind many of other runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    jumps: Vec<Jump>,
}

/// An event behind many of other runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Jump {
    seq: u64,
    position: u64,
}

impl Seqs {
    /// Whether so few numbers are left that more must be reserved by a write.
    pub const fn is_low(&self, next_position: u64) -> bool {
        self.next + RESERVED / 4 > self.reserved || next_position + RESERVED / 4 > self.reserved_position
    }

    /// Reserves more, to be written.
    pub const fn reserve(&mut self, next_position: u64) {
        self.reserved = self.next + RESERVED;
        self.reserved_position = next_position + RESERVED;
    }

    /// After a crash in a step: goes on behind what was reserved. `written`: the last number of which there is a row.
    pub const fn skip(&mut self, written: Option<u64>) -> Voids {
        let from = match written {
            Some(seq) => seq + 1,
            None => 0,
        };
        self.next = self.reserved + 1;
        Voids { from, to: self.reserved }
    }

    /// None of its events from this number on has a lower position: between two events a position grows no less than the
    /// number does, also where both go on behind what was reserved.
    pub fn least_position(&self, seq: u64) -> u64 {
        let last = self.jumps.iter().rev().find(|jump| jump.seq <= seq);
        last.map_or(self.first_position + seq, |jump| jump.position + (seq - jump.seq))
    }

    /// Numbers an event.
    pub fn number(&mut self, run: RunId, position: u64, event: Event) -> Numbered {
        let seq = self.next;
        let is_apart = position > self.least_position(seq) + FAR;
        if is_apart && self.jumps.len() < MAX_JUMPS {
            self.jumps.push(Jump { seq, position });
        }
        self.next += 1;
        Numbered { seq, position, run, event }
    }
}

/// Puts an event behind those that are to be written; a piece that goes on where the last one ends is joined with it, under
/// its own number.
pub fn join(unwritten: &mut Vec<Numbered>, next: Numbered) {
    let Some(last) = unwritten.last_mut().filter(|last| last.run == next.run) else {
        return unwritten.push(next);
    };
    let joined = match (&mut last.event, &next.event) {
        (Event::Text { item, delta, .. }, Event::Text { item: other, delta: more, .. })
        | (Event::Reasoning { item, delta, .. }, Event::Reasoning { item: other, delta: more, .. })
            if item == other =>
        {
            delta.push_str(more);
            true
        }
        _ => false,
    };
    if joined {
        (last.seq, last.position) = (next.seq, next.position);
    } else {
        unwritten.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::thread::id::{EntryId, ThreadKey};
    use crate::domain::time::Millis;

    const fn run(thread: ThreadKey) -> RunId {
        RunId { thread, number: 1 }
    }

    #[test]
    fn pieces_of_one_item_are_written_as_one_under_the_last_number() {
        let run = run(ThreadKey::new(Millis(0), [0; 10]));
        let text = |item, offset, delta: &str| Event::Text {
            step: 1,
            item: EntryId { run, number: item },
            offset,
            delta: delta.to_owned(),
        };
        let mut seqs = Seqs::default();
        let mut unwritten = Vec::new();
        for (position, event) in
            [text(1, 0, "a"), text(1, 1, "b"), text(2, 0, "c"), Event::Resumed, text(2, 1, "d")]
                .into_iter()
                .enumerate()
        {
            let numbered = seqs.number(run, position as u64 + 10, event);
            join(&mut unwritten, numbered);
        }
        let shown: Vec<_> = unwritten.iter().map(|event| (event.seq, event.position)).collect();
        assert_eq!(shown, [(1, 11), (2, 12), (3, 13), (4, 14)]);
        assert_eq!(unwritten[0].event, text(1, 0, "ab"));
    }

    #[test]
    fn an_event_is_found_behind_those_of_other_runs() {
        let run = run(ThreadKey::new(Millis(0), [0; 10]));
        let mut seqs = Seqs { first_position: 10, ..Seqs::default() };
        for position in [10, 11, 5_000, 5_001, 5_003] {
            seqs.number(run, position, Event::Resumed);
        }
        assert_eq!([0, 1, 2, 3, 4].map(|seq| seqs.least_position(seq)), [10, 11, 5_000, 5_001, 5_002]);
        seqs.reserve(5_004);
        seqs.skip(Some(4));
        seqs.number(run, 6_005, Event::Resumed);
        assert!(seqs.least_position(1_006) <= 6_005, "{seqs:?}");
    }

    #[test]
    fn after_a_crash_no_number_is_given_again() {
        let mut seqs = Seqs { next: 5, ..Seqs::default() };
        seqs.reserve(50);
        assert!(!seqs.is_low(50));
        // What came after the last row may have been seen.
        assert_eq!(seqs.skip(Some(7)), Voids { from: 8, to: 1_005 });
        assert_eq!(seqs.next, 1_006);
        assert!(seqs.is_low(50));
    }
}
