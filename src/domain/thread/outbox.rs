//! What the account's index has yet to learn of a thread. It is a part of the thread's row, which is written anyway when any
//! of this changes, so it costs no row of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::time::Millis;

/// What the account's index has yet to learn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Of the thread as lists show it. It grows with each change and is never below the milliseconds of its moment, so that
    /// it is also higher than those of a state that the object was put back from.
    version: u64,
    /// The highest that the index has confirmed.
    #[serde(default)]
    delivered: u64,
    /// Runs that have changed since.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    runs: Ranges,
    /// The same of those who have spoken in it ([`super::voice`]), by their numbers.
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    voices: Ranges,
}

/// Numbers as ranges, both ends included: many where the index is away, and next to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, from: u32, to: u32) {
        self.0.push((from, to));
        self.0.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(self.0.len());
        for (from, to) in self.0.drain(..) {
            match joined.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        self.0 = joined;
    }

    fn first(&self, most: usize) -> Vec<u32> {
        self.0.iter().flat_map(|(from, to)| *from..=*to).take(most).collect()
    }

    fn remove(&mut self, numbers: &BTreeSet<u32>) {
        for number in numbers {
            let Some(at) = self.0.iter().position(|(from, to)| (from..=to).contains(&number)) else {
                continue;
            };
            let (from, to) = self.0.remove(at);
            if *number < to {
                self.0.insert(at, (number + 1, to));
            }
            if from < *number {
                self.0.insert(at, (from, number - 1));
            }
        }
    }
}

impl Outbox {
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Something has changed that lists show.
    pub fn change(&mut self, now: Millis) {
        self.version = (self.version + 1).max(now.0.max(0).cast_unsigned());
    }

    /// These runs have changed.
    pub fn add(&mut self, from: u32, to: u32) {
        self.runs.add(from, to);
    }

    /// These voices are new, or others than they were.
    pub fn add_voices(&mut self, from: u32, to: u32) {
        self.voices.add(from, to);
    }

    /// The first runs that have changed.
    pub fn first(&self, most: usize) -> Vec<u32> {
        self.runs.first(most)
    }

    /// The same of voices.
    pub fn first_voices(&self, most: usize) -> Vec<u32> {
        self.voices.first(most)
    }

    /// The index has confirmed a version, and these runs and voices, which have not changed since.
    pub fn confirm(&mut self, version: u64, runs: &BTreeSet<u32>, voices: &BTreeSet<u32>) {
        self.delivered = self.delivered.max(version);
        self.runs.remove(runs);
        self.voices.remove(voices);
    }

    /// The runs are gone with their thread, and so are those who have spoken there.
    pub fn forget_runs(&mut self) {
        (self.runs, self.voices) = (Ranges::default(), Ranges::default());
    }

    pub const fn is_delivered(&self) -> bool {
        self.delivered >= self.version && self.runs.is_empty() && self.voices.is_empty()
    }

    /// How long to wait after a delivery that failed, in milliseconds.
    pub fn pause(&self, now: Millis) -> i64 {
        pause(Millis(i64::try_from(self.version).unwrap_or(i64::MAX)), now)
    }
}

/// How long to wait after a delivery that failed, in milliseconds: half as long as it is since what is to be delivered happened,
/// so that the pauses grow without a count that a restart would forget; from one second to one minute.
pub fn pause(since: Millis, now: Millis) -> i64 {
    (now.0.saturating_sub(since.0) / 2).clamp(1_000, 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_kept_as_ranges_whatever_comes_and_goes() {
        let (mut outbox, mut truth) = (Outbox::default(), BTreeSet::new());
        let mut noise = 7_u32;
        for _ in 0..5_000 {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let run = (noise >> 16) % 40;
            if noise >> 31 == 0 {
                outbox.add(run, run + run % 3);
                outbox.add_voices(run, run + run % 3);
                truth.extend(run..=run + run % 3);
            } else {
                let confirmed = BTreeSet::from([run, run + 5]);
                outbox.confirm(0, &confirmed, &confirmed);
                truth.remove(&run);
                truth.remove(&(run + 5));
            }
            assert_eq!(outbox.first(usize::MAX), truth.iter().copied().collect::<Vec<_>>());
            assert_eq!(outbox.first_voices(usize::MAX), outbox.first(usize::MAX));
            assert!(outbox.runs.0.windows(2).all(|two| two[0].1 + 1 < two[1].0), "{:?}", outbox.runs);
        }
        assert_eq!(outbox.first(3).len(), 3);
    }

    #[test]
    fn a_version_is_never_below_its_moment_nor_below_the_one_before() {
        let mut outbox = Outbox::default();
        assert!(outbox.is_delivered());
        let versions = [1_000, 1_000, 400, 2_000].map(|now| {
            outbox.change(Millis(now));
            outbox.version()
        });
        assert_eq!(versions, [1_000, 1_001, 1_002, 2_000]);
        outbox.confirm(1_002, &BTreeSet::new(), &BTreeSet::new());
        assert!(!outbox.is_delivered());
        outbox.confirm(2_000, &BTreeSet::new(), &BTreeSet::new());
        outbox.confirm(1_000, &BTreeSet::new(), &BTreeSet::new());
        assert!(outbox.is_delivered(), "a late confirmation takes nothing back");
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        let mut outbox = Outbox::default();
        outbox.change(Millis(10_000));
        let pauses = [10_000, 9_000, 14_000, 1_000_000].map(|now| outbox.pause(Millis(now)));
        assert_eq!(pauses, [1_000, 1_000, 2_000, 60_000]);
    }
}
