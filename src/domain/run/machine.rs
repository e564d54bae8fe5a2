//! The loop of a run: what happened in, what is to be done out.

use std::collections::BTreeMap;

use super::calls::AT_LIMIT;
use super::compaction::Compacting;
use super::event::Event;
use super::happening::{Answered, Do, Happened, Names};
use super::misfit::Checked;
use super::setbacks::Trouble;
use super::state::{End, Paused, Phase, Reason, Run, Status};
use super::terms::Terms;
use super::tool::{OpenCall, Stage};
use crate::domain::message::Finish;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;
use crate::domain::warning::Warning;

/// The most warnings that a run keeps; its events have all of them.
const MAX_WARNINGS: usize = 32;

/// Entries of a step's answer have the numbers from its own times this; those of everything else are below.
const PER_STEP: u32 = 1 << 16;
/// The most pieces of an answer.
pub const MAX_PIECES: u32 = 1_000;

impl Run {
    /// A run that waits for its turn.
    pub fn new(number: u32, terms: Terms, now: Millis) -> Self {
        Self {
            number,
            terms,
            created_at: now,
            started_at: None,
            asked_at: None,
            spent: Nanos::ZERO,
            steps: 0,
            given_back: 0,
            tool_calls: 0,
            next_entry: 1,
            phase: Phase::Queued,
            paused: None,
            closing: None,
            is_steered: false,
            was_invalid: false,
            trouble: Trouble::default(),
            warnings: Vec::new(),
            waits: 0,
            children: BTreeMap::new(),
            guessed: BTreeMap::new(),
            set_aside: Nanos::ZERO,
            was_asking: false,
            repair: None,
            compacting: Compacting::default(),
        }
    }

    /// The number of an entry that is no piece of an answer: what comes in from outside, and results.
    pub const fn take_entry(&mut self) -> u32 {
        let entry = self.next_entry;
        self.next_entry = entry.saturating_add(1);
        entry
    }

    /// The number of a piece of a step's answer, from 0. It is known before the piece is, so that watchers can be shown what
    /// the model is saying, and is the same when the step begins again.
    pub const fn piece(step: u32, number: u32) -> u32 {
        let number = if number < MAX_PIECES { number } else { MAX_PIECES };
        step.saturating_mul(PER_STEP).saturating_add(number)
    }

    /// The step of whose answer this entry is a piece, and which one: what [`Run::piece`] was given.
    pub const fn place(entry: u32) -> (u32, u32) {
        (entry / PER_STEP, entry % PER_STEP)
    }

    /// Takes what happened. What has no meaning where the run stands changes nothing.
    pub fn apply(&mut self, happened: Happened, names: &Names<'_>, now: Millis) -> Vec<Do> {
        let mut out = Vec::new();
        if self.is_over() {
            self.add_late(&happened);
            return out;
        }
        let before = self.status();
        self.take(happened, names, now, &mut out);
        self.advance(names, now, &mut out);
        self.say_status(before, names, &mut out);
        out
    }

    fn take(&mut self, happened: Happened, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        match happened {
            Happened::Begun => {
                if matches!(self.phase, Phase::Queued) {
                    self.started_at = Some(now);
                    self.phase = Phase::Next;
                    out.push(Do::Say(Event::Started));
                }
            }
            Happened::Answered(answered) => {
                if let Phase::Model { step, .. } = self.phase {
                    self.answer(step, answered, names, now, out);
                }
            }
            Happened::Unanswered { fault, cost } => {
                if let Phase::Model { .. } = self.phase {
                    self.spend(cost);
                    self.fail_step(fault, names, now, out);
                }
            }
            Happened::Full => self.compacting.is_due = true,
            Happened::Compacted { compacted, cost, usage } => {
                self.compacted(compacted, (cost, usage), names, out);
            }
            Happened::NotCompacted { slid, fault, cost } => {
                self.not_compacted((slid, fault), cost, now, out);
            }
            Happened::CompactionCut => {
                if let Phase::Compact { .. } = self.phase {
                    self.compaction_cut(names, now, out);
                }
            }
            Happened::Cut { voids } => {
                if let Phase::Model { step, attempt } = self.phase {
                    out.push(Do::Say(Event::Restarted { step, voids }));
                    if self.paused.is_some() {
                        // It is asked again when the run goes on.
                        self.give_back(attempt, Phase::Next);
                    } else if self.has_hope(now, "the run was interrupted again and again", names, out) {
                        self.ask_again(step, attempt, now, out);
                    }
                }
            }
            Happened::Ended { entry, output, is_error, cost } => {
                self.spend(cost);
                if self.call(entry).is_some_and(|call| matches!(call.stage, Stage::Running)) {
                    self.has_progressed();
                    // A child that could not be begun.
                    self.children.remove(&entry);
                    self.resolve(entry, output, is_error, names, out);
                }
            }
            Happened::ChildBegun { entry } => {
                self.set_from(entry, Stage::Running, Stage::Child);
                self.child_begun(entry, names, out);
            }
            Happened::ChildSaid { entry, seq, waits, message } => {
                self.child_said(entry, (seq, waits, message), names, out);
            }
            Happened::ChildEnded { entry, ended } => self.child_ended(entry, ended, names, out),
            Happened::ChildLost { entry } => self.child_lost(entry, names, out),
            Happened::NotMade { entry, why } => self.put_off(entry, &why, names, now, out),
            Happened::Interrupted { entry } => self.interrupt(entry, names, now, out),
            Happened::Steered => self.is_steered = true,
            Happened::Cancelled { reason } => {
                self.was_asking = self.is_asking();
                self.seal("the run was cancelled.", names, out);
                self.end(End::Cancelled(reason), now, out);
            }
            Happened::Paused { reason } => {
                self.paused.get_or_insert(Paused { reason });
            }
            Happened::Resumed => {
                self.paused = None;
                self.hurry_calls();
                if let Phase::Later { .. } = self.phase {
                    self.phase = Phase::Next;
                }
            }
            Happened::Time => self.pass_time(names, now, out),
        }
    }

    /// Begins whatever can begin.
    pub(super) fn advance(&mut self, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        if self.paused.is_some() {
            return;
        }
        if let Phase::Tools { .. } = self.phase {
            self.turn_away(now, names, out);
            self.begin_calls(names, now, out);
            if self.calls().iter().all(OpenCall::is_done) {
                self.phase = Phase::Next;
            } else if self.is_handed_over() {
                return self.hand_over(now, out);
            }
        }
        if matches!(self.phase, Phase::Next) {
            if self.must_compact(now) {
                self.begin_compaction(now, out);
            } else {
                self.begin_step(now, out);
            }
        }
    }

    fn begin_step(&mut self, now: Millis, out: &mut Vec<Do>) {
        if let Some(reason) = self.limit_reached(now) {
            // The last word costs money, too; and it is asked for once, where no others came first.
            if self.left() == Some(Nanos::ZERO) || (self.closing.is_some() && self.waits == 0) {
                return self.end(End::Incomplete(self.closing.unwrap_or(reason)), now, out);
            }
            self.closing = Some(reason);
        }
        self.steps = self.steps.saturating_add(1);
        self.is_steered = false;
        out.push(Do::Say(Event::StepStarted { step: self.steps }));
        let before = std::mem::take(&mut self.given_back);
        self.ask_again(self.steps, before, now, out);
    }

    pub(super) fn ask_again(&mut self, step: u32, attempt: u32, now: Millis, out: &mut Vec<Do>) {
        let attempt = attempt.saturating_add(1);
        self.asked_at = Some(now);
        self.phase = Phase::Model { step, attempt };
        out.push(Do::CallModel { step, attempt });
    }

    /// The limit that keeps another step from being begun.
    fn limit_reached(&self, now: Millis) -> Option<Reason> {
        let limits = &self.terms.limits;
        let reached = [
            (limits.max_usd.is_some_and(|most| self.spent >= most), Reason::MaxUsd),
            (self.deadline().is_some_and(|deadline| now >= deadline), Reason::MaxMinutes),
            (self.steps >= limits.max_steps, Reason::MaxSteps),
            (limits.max_tool_calls.is_some_and(|most| self.tool_calls >= most), Reason::MaxToolCalls),
            (self.left() == Some(Nanos::ZERO), Reason::MaxUsd),
        ];
        reached.into_iter().find_map(|(is_reached, reason)| is_reached.then_some(reason))
    }

    fn answer(&mut self, step: u32, answered: Answered, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        let Answered { parts, finish, plan, usage, cost, warnings, output } = answered;
        self.spend(cost);
        self.has_progressed();
        self.fits_again();
        self.warn(&warnings);
        let is_last = self.closing.is_none() && !self.is_steered;
        let misfit = match output {
            Checked::Misfit(misfit) if is_last && self.can_repair(now) => {
                return self.mend((step, self.attempt()), misfit, (usage, cost), now, out);
            }
            Checked::Misfit(misfit) => Some(misfit).filter(|_| is_last),
            Checked::Tidied => {
                Self::say_anew(step, &parts, names, out);
                None
            }
            Checked::Free | Checked::Fits => None,
        };
        let (usage, cost_usd) = self.close_repair(usage, cost);
        let calls = Self::write_answer(step, parts, plan, names, out);
        out.push(Do::Say(Event::StepCompleted { step, cost_usd, usage, warnings }));
        if let Some(misfit) = misfit {
            return self.end_misfit(misfit, now, out);
        }
        if let Some(reason) = self.closing {
            self.phase = Phase::Tools { step, calls };
            self.seal(AT_LIMIT, names, out);
            return self.end(End::Incomplete(reason), now, out);
        }
        if calls.is_empty() {
            return match finish {
                Finish::Length => self.end(End::Incomplete(Reason::MaxOutputTokens), now, out),
                Finish::ContentFilter => self.end(End::Incomplete(Reason::ContentFilter), now, out),
                Finish::Stop | Finish::ToolCalls if self.is_steered => self.phase = Phase::Next,
                Finish::Stop | Finish::ToolCalls => self.end(End::Completed, now, out),
            };
        }
        self.open(step, calls, names, now, out);
    }

    fn pass_time(&mut self, names: &Names<'_>, now: Millis, out: &mut Vec<Do>) {
        if self.paused.is_some() {
            return;
        }
        self.look_at_children(now, out);
        let is_late = self.is_late(now);
        let is_cut = self.cut_at().is_some_and(|at| now >= at);
        match self.phase {
            Phase::Model { .. } | Phase::Compact { .. } | Phase::Later { .. } if is_cut => {
                self.was_asking = self.is_asking();
                self.end(End::Incomplete(self.closing.unwrap_or(Reason::MaxMinutes)), now, out);
            }
            Phase::Tools { .. } if is_late => self.seal("the run's time was up.", names, out),
            Phase::Later { .. } if self.waits_in_line() && self.deadline().is_some_and(|at| now >= at) => {
                self.end(End::Incomplete(self.closing.unwrap_or(Reason::MaxMinutes)), now, out);
            }
            Phase::Later { until, .. } if is_late || now >= until => self.phase = Phase::Next,
            _ => {}
        }
    }

    pub(super) fn end(&mut self, end: End, now: Millis, out: &mut Vec<Do>) {
        let cost_usd = self.spent;
        out.push(Do::Say(match &end {
            End::Completed => Event::Completed { cost_usd },
            End::Incomplete(reason) => {
                let is_misfit = *reason == Reason::OutputInvalid;
                let errors = if is_misfit { self.faults().to_vec() } else { Vec::new() };
                Event::Incomplete { reason: *reason, cost_usd, errors }
            }
            End::Failed(error) => Event::Failed { error: error.clone(), cost_usd },
            End::Cancelled(reason) => Event::Cancelled { reason: reason.clone(), cost_usd },
        }));
        self.phase = Phase::Ended { end, at: now };
    }

    /// Says that it waits, pauses or goes on, where that has changed.
    pub(super) fn say_status(&self, before: Status, names: &Names<'_>, out: &mut Vec<Do>) {
        let is_still = |status| matches!(status, Status::Waiting | Status::Paused);
        let now = self.status();
        match now {
            _ if now == before => {}
            Status::Waiting => {
                let waiting_on = self.awaited().iter().map(|awaited| (names.awaited)(awaited)).collect();
                out.push(Do::Say(Event::Waiting { waiting_on }));
            }
            Status::Paused => {
                let reason = self.paused.as_ref().and_then(|paused| paused.reason.clone());
                out.push(Do::Say(Event::Paused { reason }));
            }
            Status::InProgress | Status::Queued if is_still(before) => {
                // Before what was begun by it.
                let at = out.iter().position(|todo| matches!(todo, Do::Say(Event::StepStarted { .. })));
                out.insert(at.unwrap_or(out.len()), Do::Say(Event::Resumed));
            }
            _ => {}
        }
    }

    /// Keeps what a step warns of, in the place of what an earlier one has said of the same.
    pub(super) fn warn(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            let is_same = |kept: &Warning| (&kept.field, kept.code) == (&warning.field, warning.code);
            self.warnings.retain(|kept| !is_same(kept));
            if self.warnings.len() < MAX_WARNINGS {
                self.warnings.push(warning.clone());
            }
        }
    }

    pub(super) fn spend(&mut self, cost: Nanos) {
        self.spent = Nanos::new(self.spent.get().saturating_add(cost.get()));
    }

    /// What ends after the run still costs.
    fn add_late(&mut self, happened: &Happened) {
        match happened {
            Happened::Answered(Answered { cost, .. })
            | Happened::Unanswered { cost, .. }
            | Happened::Compacted { cost, .. }
            | Happened::NotCompacted { cost, .. }
            | Happened::Ended { cost, .. } => self.spend(*cost),
            Happened::ChildEnded { entry, ended } => drop(self.settle_child(*entry, ended.cost, ended.open)),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
