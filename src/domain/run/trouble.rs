//! Steps that get no answer: tried again, waited for, or given up.

use super::event::Event;
use super::happening::{Do, Fault, Names};
use super::setbacks::Trouble;
use super::state::{Delay, End, Failure, Phase, Reason, Run};
use super::terms::OnBudget;
use crate::domain::time::Millis;

/// Without progress a run is given up after so many attempts,
pub(super) const MAX_ATTEMPTS: u32 = 10;
/// or after so long.
const MAX_TROUBLE_MS: u64 = 5 * 60_000;
/// The first pause before a step or a tool call is tried again; each further one is twice as long.
const FIRST_PAUSE_MS: i64 = 1_000;
const MAX_PAUSE_MS: i64 = 60_000;
/// The longest pause of a run that lets others come first.
const MAX_PLACE_PAUSE_MS: i64 = 30_000;
/// How often a run without money looks whether there is some, where nobody says when there will be.
const BUDGET_PAUSE_MS: i64 = 60_000;

/// How long to wait after so many attempts, at least one.
pub(super) fn pause_ms(failed: u32) -> i64 {
    (FIRST_PAUSE_MS << failed.saturating_sub(1).min(16)).min(MAX_PAUSE_MS)
}

/// How long to let others come first, after so many times: at random, up to twice as long each time.
fn place_pause_ms(waits: u32, noise: u8) -> i64 {
    let most = (FIRST_PAUSE_MS << waits.min(16)).min(MAX_PLACE_PAUSE_MS);
    most / 4 + most * 3 / 4 * i64::from(noise) / i64::from(u8::MAX)
}

impl Run {
    pub(super) fn fail_step(&mut self, fault: Fault, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        let is_spent = self.terms.limits.max_usd.is_some_and(|most| self.spent >= most);
        match fault {
            // Nothing is left for another attempt.
            Fault::Budget { .. } | Fault::Transient { .. } | Fault::Empty if is_spent => {
                self.end(End::Incomplete(Reason::MaxUsd), now, out);
            }
            Fault::Budget { resets_at } if self.terms.on_budget == OnBudget::Wait => {
                let until = resets_at.filter(|at| *at > now).unwrap_or(now.plus(BUDGET_PAUSE_MS));
                self.try_later(until, Delay::Budget, out);
            }
            Fault::Budget { .. } => {
                let reason = self.closing.unwrap_or(Reason::BudgetExceeded);
                self.end(End::Incomplete(reason), now, out);
            }
            Fault::RunBudget => {
                let reason = self.closing.unwrap_or(Reason::MaxUsd);
                self.end(End::Incomplete(reason), now, out);
            }
            Fault::Empty => {
                if let Phase::Model { step, attempt } = self.phase {
                    out.push(Do::Say(Event::Restarted { step, voids: None }));
                    if self.has_hope(now, "the model answered nothing", names, out) {
                        self.ask_again(step, attempt, now, out);
                    }
                }
            }
            // To wait for longer than anybody waits without progress is of no use.
            Fault::Transient { failure, at: Some(at), .. }
                if at.since(self.trouble.since.unwrap_or(now)) >= MAX_TROUBLE_MS =>
            {
                self.end(End::Failed(Failure { retry_at: Some(at), ..failure }), now, out);
            }
            Fault::Place { at, noise } => {
                let until = self.place_at(at, noise, now);
                self.try_later(until, Delay::Place, out);
            }
            Fault::Transient { failure, at, broke_off } => {
                self.trouble.note_broken(broke_off);
                if self.has_hope(now, &failure.message, names, out) {
                    let until = self.trouble_at(at, self.trouble.attempts, now);
                    self.try_later(until, Delay::Trouble, out);
                }
            }
            Fault::TooLong(failure) => self.refused_as_too_long(failure, now, out),
            Fault::Final(failure) => self.end(End::Failed(failure), now, out),
        }
    }

    /// When it is its turn, where others come first.
    pub(super) fn place_at(&mut self, at: Option<Millis>, noise: u8, now: Millis) -> Millis {
        self.waits = self.waits.saturating_add(1);
        let until = at.unwrap_or(now).plus(place_pause_ms(self.waits, noise));
        // It is no trouble, and what was trouble before does not get older by it.
        let lost = i64::try_from(until.since(now)).unwrap_or(i64::MAX);
        self.trouble.since = self.trouble.since.map(|since| since.plus(lost));
        until
    }

    /// When to try again what has failed so often.
    pub(super) fn trouble_at(&self, at: Option<Millis>, failed: u32, now: Millis) -> Millis {
        at.unwrap_or(now).max(now.plus(pause_ms(failed)))
    }

    /// The step is begun again; what watchers have seen of it is void.
    pub(super) fn try_later(&mut self, until: Millis, why: Delay, out: &mut Vec<Do>) {
        if let Phase::Model { step, attempt } = self.phase {
            out.push(Do::Say(Event::Restarted { step, voids: None }));
            self.give_back(attempt, Phase::Later { until, why });
        }
    }

    pub(super) fn give_back(&mut self, attempt: u32, phase: Phase) {
        self.steps = self.steps.saturating_sub(1);
        self.given_back = attempt;
        self.phase = phase;
    }

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
