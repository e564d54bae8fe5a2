//! The calls of the last minute.
//!
//! It slides: at no moment were more calls admitted in the 60 seconds before than the limit. Calls of one second are
//! counted together and leave together, when the last of them is a minute old, so a window is 61 numbers at most. It
//! lives in memory alone: a restart forgets at most a minute, a disk that fails nothing.

use std::collections::VecDeque;

use super::command::Rate;
use crate::domain::time::Millis;

/// How long a call counts.
pub const WINDOW_MS: i64 = 60_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Oldest first.
    seconds: VecDeque<Second>,
    calls: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Second {
    first: Millis,
    last: Millis,
    calls: u32,
}

impl Window {
    /// Lets go of what is older than a minute.
    pub fn roll(&mut self, now: Millis) {
        while let Some(oldest) = self.seconds.front().filter(|second| second.last.plus(WINDOW_MS) <= now) {
            self.calls -= oldest.calls;
            self.seconds.pop_front();
        }
    }

    /// Counts a call. One at a clock that went back counts with the newest there is.
    pub fn count(&mut self, now: Millis) {
        self.calls = self.calls.saturating_add(1);
        match self.seconds.back_mut() {
            Some(second) if now < second.first.plus(1_000) => {
                second.last = second.last.max(now);
                second.calls = second.calls.saturating_add(1);
            }
            _ => self.seconds.push_back(Second { first: now, last: now, calls: 1 }),
        }
    }

    pub const fn calls(&self) -> u32 {
        self.calls
    }

    /// How a limit stands.
    pub fn rate(&self, limit: u32, now: Millis) -> Rate {
        let remaining = limit.saturating_sub(self.calls);
        let mut counted = self.calls;
        // The oldest make room for one more; after the limit was lowered it may take more than one to leave.
        let makes_room = self.seconds.iter().find(|second| {
            counted -= second.calls;
            counted < limit
        });
        let last = makes_room.or(self.seconds.back()).map_or(now, |second| second.last);
        Rate { limit, remaining, resets_at: last.plus(WINDOW_MS) }
    }
}
