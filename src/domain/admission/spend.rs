//! What one agent has spent and set aside: in all, this month, today.
//!
//! All three are kept whatever the budget says, so that a changed period is right from the next call. A hold belongs
//! to the periods in which it was admitted; when one of them ends, the hold stays under that period's limit and the
//! new one begins at zero.

use crate::domain::budget::{Action, Budget, Period};
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub settled: Nanos,
    pub held: Nanos,
}

/// A tally of the period from `start` to before `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    pub start: Millis,
    pub end: Millis,
    pub tally: Tally,
}

impl Bucket {
    const fn contains(&self, at: Millis) -> bool {
        self.start.0 <= at.0 && at.0 < self.end.0
    }

    /// Begins the month that `now` lies in.
    pub fn roll_month(&mut self, now: Millis) {
        if now >= self.end {
            *self = Self { start: now.start_of_month(), end: now.start_of_next_month(), ..Self::default() };
        }
    }

    /// Applies `change` if the moment belongs here.
    pub fn apply(&mut self, at: Millis, change: impl Fn(&mut Tally)) {
        if self.contains(at) {
            change(&mut self.tally);
        }
    }

    /// How much of what a call holds, and since when, is in this tally.
    pub fn share(&self, own: Option<(Millis, Nanos)>) -> Nanos {
        own.filter(|(at, _)| self.contains(*at)).map_or(Nanos::ZERO, |(_, amount)| amount)
    }
}

/// How much of `want` a limit lets be granted when `taken` is: all of it, or what is left but no less than `floor`. Who wants nothing
/// has it, also where more than the limit is taken.
pub(super) fn grant(limit: Nanos, taken: Nanos, want: Nanos, floor: Nanos) -> Option<Nanos> {
    if want == Nanos::ZERO {
        return Some(want);
    }
    if taken > limit || floor > limit - taken { None } else { Some(want.min(limit - taken)) }
}

/// What a crash left of a slice: money that calls may have been promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphan {
    pub amount: Nanos,
    pub expires_at: Millis,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AgentSpend {
    pub total: Tally,
    pub month: Bucket,
    pub day: Bucket,
    pub open_calls: u32,
    /// On disk: how much may be granted beyond the holds that are.
    pub slice: Nanos,
    /// Granted since the last write.
    pub drawn: Nanos,
    pub last_grant: Nanos,
    pub last_admitted_at: Millis,
    /// How long the longest hold drawn from a slice may live.
    pub ttl_ms: u32,
    pub orphan: Option<Orphan>,
    pub crossed_at: Option<Millis>,
    /// As the last admission named it; forgotten by a restart.
    pub budget: Option<Budget>,
}

impl AgentSpend {
    /// Begins the periods that `now` lies in. A clock that goes back ends no period.
    pub fn roll(&mut self, now: Millis) {
        if now >= self.day.end {
            self.day =
                Bucket { start: now.start_of_day(), end: now.start_of_next_day(), ..Bucket::default() };
        }
        self.month.roll_month(now);
    }

    /// Applies `change` to every tally that a moment belongs to.
    pub fn each(&mut self, at: Millis, change: impl Fn(&mut Tally)) {
        change(&mut self.total);
        self.month.apply(at, &change);
        self.day.apply(at, &change);
    }

    pub fn settled(&self, period: Period) -> Nanos {
        self.tally(period).settled
    }

    /// What no end of a call gives back.
    pub fn spent(&self, period: Period) -> Nanos {
        self.settled(period) + self.orphan.map_or(Nanos::ZERO, |orphan| orphan.amount)
    }

    /// Holds and orphan. The orphan counts in every period: nobody knows when its calls were admitted.
    pub fn held(&self, period: Period) -> Nanos {
        self.tally(period).held + self.orphan.map_or(Nanos::ZERO, |orphan| orphan.amount)
    }

    pub fn remaining(&self, budget: &Budget) -> Nanos {
        budget.limit - (self.settled(budget.period) + self.held(budget.period))
    }

    /// How much of `want` may be granted on top of what is held: all of it, or what is left but no less than `floor`.
    /// `own` is what the asking call holds already, and since when.
    ///
    /// # Errors
    /// The budget that refuses, when less than `floor` is left.
    pub fn grant(
        &self,
        budget: Option<Budget>,
        want: Nanos,
        floor: Nanos,
        own: Option<(Millis, Nanos)>,
    ) -> Result<Nanos, Budget> {
        let Some(budget) = budget.filter(|budget| budget.action == Action::Block) else { return Ok(want) };
        let own = match budget.period {
            Period::Total => own.map_or(Nanos::ZERO, |(_, amount)| amount),
            Period::Month => self.month.share(own),
            Period::Day => self.day.share(own),
        };
        let taken = self.settled(budget.period) + (self.held(budget.period) - own);
        grant(budget.limit, taken, want, floor).ok_or(budget)
    }

    /// Notes the first moment of the period at which settled calls have reached the limit.
    pub fn note_crossing(&mut self, now: Millis) {
        let Some(budget) = self.budget else { return };
        let crossed = self.settled(budget.period) >= budget.limit;
        if !crossed {
            self.crossed_at = None;
        } else if self.crossing(budget.period).is_none() {
            self.crossed_at = Some(now);
        }
    }

    /// The crossing, if it was in the running period.
    pub fn crossing(&self, period: Period) -> Option<Millis> {
        let start = match period {
            Period::Total => return self.crossed_at,
            Period::Month => self.month.start,
            Period::Day => self.day.start,
        };
        self.crossed_at.filter(|at| *at >= start)
    }

    const fn tally(&self, period: Period) -> &Tally {
        match period {
            Period::Total => &self.total,
            Period::Month => &self.month.tally,
            Period::Day => &self.day.tally,
        }
    }
}
