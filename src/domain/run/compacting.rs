//! How a run deals with a thread that is too long for its model: before its next step the oldest runs are summed up, or left out.
//!
//! Whether the thread is too long, the thread's object says ([`Happened::Full`](super::happening::Happened::Full)) by the tokens that the
//! last call really used, and a provider that refuses a step as too long. A summary that fails does not fail the run.

use super::compaction::{Compacted, Slid};
use super::event::Event;
use super::happening::{Do, Fault, Names};
use super::setbacks::Trouble;
use super::state::{Delay, End, Failure, Phase, Run};
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::thread::compaction::LAST_RESORT;
use crate::domain::thread::item::Span;
use crate::domain::time::Millis;
use crate::domain::warning::{Code, Warning};

/// The most summaries of one run. One is enough, but for a transcript that was brought from elsewhere; what they have not reached is
/// left out, and for those of a later run.
const MAX_ROUNDS: u32 = 4;
/// How often a summary is asked for that fails in passing.
const MAX_TRIES: u32 = 3;
/// What is said of a summary without an end.
const CUT: &str = "the summary of the oldest runs became longer than it may be: its end is left out";
/// The code of a run whose provider refuses what it is sent.
pub const REJECTED: &str = "upstream_rejected";

impl Run {
    /// Whether the thread is compacted before the next step, if there is money and time for it.
    pub(super) fn must_compact(&self, now: Millis) -> bool {
        let has_time = self.deadline().is_none_or(|deadline| now < deadline);
        self.compacting.is_due && self.closing.is_none() && self.left() != Some(Nanos::ZERO) && has_time
    }

    pub(super) fn begin_compaction(&mut self, now: Millis, out: &mut Vec<Do>) {
        self.compacting.begun = self.compacting.begun.saturating_add(1);
        let nth = self.compacting.begun;
        self.asked_at = Some(now);
        self.phase = Phase::Compact { nth };
        out.push(Do::Compact { nth });
    }

    /// A summary was written, and stands in the place of what it sums up.
    pub(super) fn compacted(
        &mut self,
        compacted: Compacted,
        (cost, usage): (Nanos, Usage),
        names: &Names<'_>,
        out: &mut Vec<Do>,
    ) {
        self.spend(cost);
        if !matches!(self.phase, Phase::Compact { .. }) {
            return;
        }
        let entry = self.take_entry();
        self.trouble = Trouble::default();
        self.compacting.failed = 0;
        self.compacting.rounds = self.compacting.rounds.saturating_add(1);
        self.compacting.has_given_up |= self.compacting.rounds >= MAX_ROUNDS;
        self.compacting.is_due = compacted.has_more;
        self.phase = Phase::Next;
        if compacted.is_cut {
            self.warn(&[Warning::new("compaction", Code::LeftOut, CUT)]);
        }
        let Span { from, to } = compacted.span;
        out.push(Do::Compacted { entry, compacted });
        let item = (names.entry)(entry);
        out.push(Do::Say(Event::Compacted { item, from, to, cost_usd: cost, usage }));
    }

    /// There is no summary: it is asked for later, or what it was for is left out.
    pub(super) fn not_compacted(
        &mut self,
        (slid, fault): (Slid, Option<Fault>),
        cost: Nanos,
        now: Millis,
        out: &mut Vec<Do>,
    ) {
        self.spend(cost);
        if !matches!(self.phase, Phase::Compact { .. }) {
            return;
        }
        self.phase = Phase::Next;
        match fault {
            Some(Fault::Place { at, noise }) => {
                let until = self.place_at(at, noise, now);
                self.phase = Phase::Later { until, why: Delay::Place };
                return;
            }
            Some(Fault::Transient { at, .. }) if self.may_try_again() => {
                let until = self.trouble_at(at, self.compacting.failed, now);
                self.phase = Phase::Later { until, why: Delay::Trouble };
                return;
            }
            Some(_) => self.compacting.has_given_up = true,
            None => {}
        }
        self.compacting.is_due = false;
        match (slid.horizon, self.compacting.refusal.take()) {
            (Some(horizon), refusal) => {
                self.compacting.refusal = refusal;
                out.push(Do::Slide { horizon });
                out.push(Do::Say(Event::Slid { reason: slid.why }));
            }
            // As it stands it is refused.
            (None, Some(words)) => self.end(End::Failed(Failure::new(REJECTED, words)), now, out),
            (None, None) => {}
        }
    }

    /// Whoever asked for a summary is gone.
    pub(super) fn compaction_cut(&mut self, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        let may = self.may_try_again();
        self.compacting.has_given_up |= !may;
        if self.paused.is_some() {
            self.phase = Phase::Next;
        } else if self.has_hope(now, "the run was interrupted again and again", names, out) {
            self.begin_compaction(now, out);
        }
    }

    fn may_try_again(&mut self) -> bool {
        self.compacting.failed = self.compacting.failed.saturating_add(1);
        self.compacting.failed < MAX_TRIES
    }

    /// A provider says that a step does not fit its model's context.
    pub(super) fn refused_as_too_long(&mut self, refusal: Failure, now: Millis, out: &mut Vec<Do>) {
        let Phase::Model { step, attempt } = self.phase else { return };
        self.compacting.refused = self.compacting.refused.saturating_add(1);
        if self.compacting.refused > LAST_RESORT {
            return self.end(End::Failed(refusal), now, out);
        }
        if let Some(reason) = self.closing {
            return self.end(End::Incomplete(reason), now, out);
        }
        out.push(Do::Say(Event::Restarted { step, voids: None }));
        self.compacting.refusal = Some(refusal.message);
        self.compacting.is_due = true;
        self.give_back(attempt, Phase::Next);
    }

    /// A step was answered.
    pub(super) fn fits_again(&mut self) {
        self.compacting.refused = 0;
        self.compacting.refusal = None;
    }
}
