//! The plan's side of an admission: what all agents of the account may spend and do together.

use super::command::{AccountSpend, Admission, Admit, Refusal, Scope};
use super::spend;
use super::state::State;
use crate::domain::budget::Period;
use crate::domain::money::Nanos;
use crate::domain::plan::CallLimits;
use crate::domain::time::Millis;

impl State {
    /// Refuses a call beyond what the plan allows at once or in a minute.
    pub(super) fn refuse_crowd(&self, ask: &Admit, now: Millis) -> Option<Refusal> {
        let open_calls = self.open_calls();
        if let Some(limit) = ask.limits.concurrent_calls.filter(|limit| open_calls >= *limit) {
            return Some(Refusal::Concurrency { limit, of: Scope::Plan });
        }
        self.refuse_rate(ask.limits, now)
    }

    fn refuse_rate(&self, limits: CallLimits, now: Millis) -> Option<Refusal> {
        let rate = self.account.window.rate(limits.calls_per_minute?, now);
        (rate.remaining == 0).then_some(Refusal::Rate { limit: rate.limit, resets_at: rate.resets_at })
    }

    /// Counts a request that is no call, if the plan's calls a minute have room for it.
    pub fn count(&mut self, limits: CallLimits, now: Millis) -> Admission {
        self.account.roll(now);
        if let Some(refusal) = self.refuse_rate(limits, now) {
            return Admission::Refused(refusal);
        }
        self.account.window.count(now);
        let rate = limits.calls_per_minute.map(|limit| self.account.window.rate(limit, now));
        Admission::Granted { amount: Nanos::ZERO, rate }
    }

    /// What the plan's monthly spend lets the account have of `want`. `own` is what the asking call holds
    /// already, and since when.
    ///
    /// # Errors
    /// The refusal, when less than `floor` is left.
    pub(super) fn grant_of_plan(
        &self,
        ask: &Admit,
        want: Nanos,
        own: Option<(Millis, Nanos)>,
        now: Millis,
    ) -> Result<Nanos, Refusal> {
        let Some(limit) = ask.limits.monthly_spend else { return Ok(want) };
        let taken = self.account.taken() - self.account.month.share(own);
        spend::grant(limit, taken, want, ask.charged + ask.floor).ok_or_else(|| Refusal::Budget {
            of: Scope::Plan,
            period: Period::Month,
            limit,
            remaining: limit - self.account.taken(),
            resets_at: Period::Month.resets_at(now),
            is_held: self.account.spent() + ask.charged + ask.floor <= limit,
        })
    }

    /// What the plan's monthly spend leaves for the slices of the agents that are about to be written. Slices
    /// of the others stay as they are, unless there is no longer room for them: then theirs are written
    /// again, too.
    pub(super) fn room_for_slices(&mut self, now: Millis) -> Nanos {
        self.account.roll(now);
        let Some(limit) = self.account.monthly_spend else { return Nanos::MAX };
        let room = limit - self.account.taken();
        let rewritten = self.unwritten.agents.iter().filter_map(|agent| self.agents.get(agent));
        let kept = self.account.slices - rewritten.map(|spend| spend.slice).sum();
        if kept > room {
            self.unwritten.agents.extend(self.open_slices.iter().copied());
            return room;
        }
        room - kept
    }

    /// What the account has spent this month, and what it does now.
    pub fn account_spend(&mut self, now: Millis) -> AccountSpend {
        self.account.roll(now);
        AccountSpend {
            settled: self.account.month.tally.settled,
            held: self.account.month.tally.held + self.account.orphans,
            open_calls: self.open_calls(),
            calls_in_minute: self.account.window.calls(),
        }
    }

    fn open_calls(&self) -> u32 {
        u32::try_from(self.holds.len()).unwrap_or(u32::MAX)
    }
}
