//! What keeps a run from its progress: how often it is tried again, after which pauses, and when the run is given up.

use super::happening::{Do, Names};
use super::state::{End, Failure, Phase, Run, Trouble};
use crate::domain::time::Millis;

/// Without progress a run is given up after so many attempts,
pub(super) const MAX_ATTEMPTS: u32 = 10;
/// or after so long.
pub(super) const MAX_TROUBLE_MS: u64 = 5 * 60_000;
/// The first pause before a step or a tool call is tried again; each further one is twice as long.
const FIRST_PAUSE_MS: i64 = 1_000;
const MAX_PAUSE_MS: i64 = 60_000;
/// The longest pause of a run that lets others come first.
const MAX_PLACE_PAUSE_MS: i64 = 30_000;
/// How long to wait after so many attempts, at least one.
pub(super) fn pause_ms(failed: u32) -> i64 {
    (FIRST_PAUSE_MS << failed.saturating_sub(1).min(16)).min(MAX_PAUSE_MS)
}

/// How long to let others come first, after so many times: at random, up to twice as long each time.
pub(super) fn place_pause_ms(waits: u32, noise: u8) -> i64 {
    let most = (FIRST_PAUSE_MS << waits.min(16)).min(MAX_PLACE_PAUSE_MS);
    most / 4 + most * 3 / 4 * i64::from(noise) / i64::from(u8::MAX)
}

impl Run {
    /// Counts an attempt; whether there may be another. Otherwise the run has failed.
    pub(super) fn has_hope(
        &mut self,
        now: Millis,
        words: &str,
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) -> bool {
        self.has_hope_after(self.trouble.attempts.saturating_add(1), now, words, names, out)
    }

    /// The same, where what failed has failed so often since the last progress.
    pub(super) fn has_hope_after(
        &mut self,
        attempts: u32,
        now: Millis,
        words: &str,
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) -> bool {
        let since = *self.trouble.since.get_or_insert(now);
        self.trouble.attempts = self.trouble.attempts.max(attempts);
        let is_lost = self.trouble.attempts >= MAX_ATTEMPTS || now.since(since) >= MAX_TROUBLE_MS;
        if is_lost {
            let attempts = self.trouble.attempts;
            let words = format!("No progress after {attempts} attempts: {words}");
            self.seal("the run failed.", names, out);
            self.end(End::Failed(Failure::new("no_progress", words)), now, out);
        }
        !is_lost
    }

    pub(super) fn has_progressed(&mut self) {
        self.trouble = Trouble::default();
        self.waits = 0;
        if let Phase::Tools { calls, .. } = &mut self.phase {
            calls.iter_mut().for_each(|call| call.failed = 0);
        }
    }
}
