//! The state of an account's object, and how a call is admitted.

use std::collections::{BTreeMap, BTreeSet};

use super::account::Account;
use super::command::{Admission, Admit, CallRecord, Forget, Inspect, Learned, Refusal, Scope, Spend};
use super::rows::{AgentRow, Hold, Meta, Snapshot};
use super::spend::{AgentSpend, Bucket, Orphan, Tally};
use crate::domain::ids::{AgentId, CallId};
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

/// After this long since its call began a first question is late; most come within milliseconds.
const LATE_MS: u64 = 1_000;

/// Whether an answer may leave before the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// What is on the disk covers it: write soon.
    Soon,
    /// [`State::flush`] and write before answering.
    Now,
}

/// The object's working copy. Whatever [`State::flush`] has not handed out did not happen if the object dies.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(super) epoch: u64,
    /// Control-plane writes begun and not ended.
    pub(super) writers: u32,
    pub(super) last_begin: Millis,
    pub(super) agents: BTreeMap<AgentId, AgentSpend>,
    pub(super) holds: BTreeMap<CallId, Hold>,
    pub(super) unwritten: Unwritten,
    /// Agents whose slice on disk is not zero.
    pub(super) open_slices: BTreeSet<AgentId>,
    pub(super) account: Account,
}

/// What differs from the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Unwritten {
    pub meta: bool,
    pub agents: BTreeSet<AgentId>,
    pub holds: BTreeSet<CallId>,
    pub removed_holds: BTreeSet<CallId>,
    pub records: BTreeMap<CallId, CallRecord>,
    pub forgotten: Vec<Forget>,
    pub learned: Vec<Learned>,
}

impl State {
    /// Begins where the disk ends: what was left of each slice becomes an orphan.
    pub fn load(snapshot: Snapshot, now: Millis) -> Self {
        let meta = snapshot.meta.unwrap_or(Meta { epoch: 1, writers: 0, last_begin: Millis(0) });
        let mut state =
            Self { epoch: meta.epoch, writers: meta.writers, last_begin: meta.last_begin, ..Self::default() };
        state.unwritten.meta = snapshot.meta.is_none();
        // A clock that went back ends no month.
        let newest = snapshot.agents.iter().map(|row| row.month_start).max();
        state.account.roll(newest.map_or(now, |start| start.max(now)));
        for row in snapshot.agents {
            state.load_agent(&row, now);
        }
        for hold in snapshot.holds {
            state.insert_hold(hold, now);
        }
        state
    }

    fn load_agent(&mut self, row: &AgentRow, now: Millis) {
        let bucket = |start: Millis, end: Millis, settled| Bucket {
            start,
            end,
            tally: Tally { settled, held: Nanos::ZERO },
        };
        let left = row.orphan.map_or(Nanos::ZERO, |orphan| orphan.amount) + row.slice;
        let expires_at = match row.orphan {
            Some(orphan) if row.slice == Nanos::ZERO => orphan.expires_at,
            _ => now.plus(i64::from(row.ttl_ms)),
        };
        if row.slice > Nanos::ZERO {
            self.unwritten.agents.insert(row.agent);
        }
        let spend = AgentSpend {
            total: Tally { settled: row.total_settled, held: Nanos::ZERO },
            month: bucket(row.month_start, row.month_start.start_of_next_month(), row.month_settled),
            day: bucket(row.day_start, row.day_start.start_of_next_day(), row.day_settled),
            ttl_ms: row.ttl_ms,
            orphan: (left > Nanos::ZERO).then_some(Orphan { amount: left, expires_at }),
            crossed_at: row.crossed_at,
            ..AgentSpend::default()
        };
        self.account.orphans += left;
        self.account.month.apply(row.month_start, |tally| tally.settled += row.month_settled);
        self.agents.insert(row.agent, spend);
    }

    /// Takes over the calls of the last minute, which no disk has.
    pub fn inherit_window(&mut self, fallen: Self) {
        self.account.window = fallen.account.window;
    }

    /// The number that a control-plane write advances. A Worker must never hold a number that a restart takes back:
    /// whatever advances it is written before anything else is answered.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the ledger must be asked before this call is admitted. A Worker asks again when it has waited too long:
    /// what comes late may be a copy that was held up on its way, of a call that has been served and settled since.
    pub fn is_late(&self, ask: &Admit, now: Millis) -> bool {
        !ask.again && now.since(ask.call.made_at()) > LATE_MS && !self.holds.contains_key(&ask.call)
    }

    /// Whether the call has a row in the ledger that is not written yet.
    pub fn has_ended(&self, call: CallId) -> bool {
        self.unwritten.records.contains_key(&call)
    }

    /// Admits a call, or another attempt of one that is open.
    pub fn admit(&mut self, ask: &Admit, now: Millis) -> (Admission, Durability) {
        // An open call goes on under the configuration it was admitted with.
        if !ask.again && ask.epoch != self.epoch {
            return (Admission::Stale { epoch: self.epoch }, Durability::Soon);
        }
        let own = self.holds.get(&ask.call).map(|hold| (hold.at, hold.amount));
        if ask.again && own.is_none() {
            return (Admission::Refused(Refusal::Lapsed), Durability::Soon);
        }
        self.account.roll(now);
        self.account.monthly_spend = ask.limits.monthly_spend;
        let spend = self.agents.entry(ask.agent).or_default();
        spend.roll(now);
        spend.budget = ask.budget;
        spend.note_crossing(now);
        match self.grant(ask, own, now) {
            Err(refusal) => (Admission::Refused(refusal), Durability::Soon),
            Ok(total) => {
                let durability = self.hold(ask, total, now);
                if own.is_none() {
                    self.account.window.count(now);
                }
                let rate = ask.limits.calls_per_minute.map(|limit| self.account.window.rate(limit, now));
                (Admission::Granted { amount: total - ask.charged, rate }, durability)
            }
        }
    }

    /// What the call may hold in all: as much as the agent's own limits and the plan's both let it. `own` is what it
    /// holds already, and since when; one that does is no new call.
    fn grant(&self, ask: &Admit, own: Option<(Millis, Nanos)>, now: Millis) -> Result<Nanos, Refusal> {
        let none = AgentSpend::default();
        let spend = self.agents.get(&ask.agent).unwrap_or(&none);
        if own.is_none() {
            if let Some(limit) = ask.max_concurrency.filter(|limit| spend.open_calls >= *limit) {
                return Err(Refusal::Concurrency { limit, of: Scope::Agent });
            }
            self.refuse_crowd(ask, now).map_or(Ok(()), Err)?;
        }
        let granted = spend.grant(ask.budget, ask.charged + ask.want, ask.charged + ask.floor, own);
        let want = granted.map_err(|budget| Refusal::Budget {
            of: Scope::Agent,
            period: budget.period,
            limit: budget.limit,
            remaining: spend.remaining(&budget),
            resets_at: budget.period.resets_at(now),
            is_held: spend.spent(budget.period) + ask.charged + ask.floor <= budget.limit,
        })?;
        self.grant_of_plan(ask, want, own, now)
    }

    fn hold(&mut self, ask: &Admit, amount: Nanos, now: Millis) -> Durability {
        let before = self.remove_hold(ask.call).map(|hold| (hold.at, hold.amount));
        self.insert_hold(
            Hold {
                call: ask.call,
                agent: ask.agent,
                key: ask.key,
                version: ask.version,
                model: ask.model.clone(),
                amount,
                at: now,
                expires_at: now.plus(i64::from(ask.ttl_ms)),
            },
            now,
        );
        self.unwritten.holds.insert(ask.call);
        let spend = self.agents.entry(ask.agent).or_default();
        spend.drawn += amount - before.map_or(Nanos::ZERO, |(_, held)| held);
        // A kept answer costs nothing, and says nothing of what the next call will.
        if amount > Nanos::ZERO {
            spend.last_grant = amount;
        }
        spend.last_admitted_at = now;
        let longer = ask.ttl_ms > spend.ttl_ms;
        spend.ttl_ms = spend.ttl_ms.max(ask.ttl_ms);
        // What the disk has of this call is of another day, and covers nothing of this one.
        let moved = before.is_some() && spend.day.share(before) == Nanos::ZERO;
        if spend.drawn > spend.slice || longer || moved { Durability::Now } else { Durability::Soon }
    }

    pub(super) fn insert_hold(&mut self, hold: Hold, now: Millis) {
        let spend = self.agents.entry(hold.agent).or_default();
        spend.roll(now);
        let set_aside = |tally: &mut Tally| tally.held += hold.amount;
        spend.each(hold.at, set_aside);
        spend.open_calls += 1;
        self.account.roll(now);
        self.account.month.apply(hold.at, set_aside);
        self.unwritten.agents.insert(hold.agent);
        self.holds.insert(hold.call, hold);
    }

    pub(super) fn remove_hold(&mut self, call: CallId) -> Option<Hold> {
        let hold = self.holds.remove(&call)?;
        if let Some(spend) = self.agents.get_mut(&hold.agent) {
            let give_back = |tally: &mut Tally| tally.held = tally.held - hold.amount;
            spend.each(hold.at, give_back);
            spend.open_calls = spend.open_calls.saturating_sub(1);
            self.account.month.apply(hold.at, give_back);
        }
        self.unwritten.agents.insert(hold.agent);
        Some(hold)
    }

    /// A control-plane write is about to change the directory.
    pub const fn begin_write(&mut self, now: Millis) -> (u64, Durability) {
        self.epoch += 1;
        self.writers = self.writers.saturating_add(1);
        self.last_begin = now;
        self.unwritten.meta = true;
        (self.epoch, Durability::Now)
    }

    /// It has.
    pub const fn end_write(&mut self) -> (u64, Durability) {
        self.epoch += 1;
        self.writers = self.writers.saturating_sub(1);
        self.unwritten.meta = true;
        (self.epoch, Durability::Now)
    }

    /// Declared things have changed. Nothing here decides by them yet, so the disk alone keeps them.
    pub fn learn(&mut self, things: Vec<Learned>) -> Durability {
        self.unwritten.learned.extend(things);
        Durability::Now
    }

    /// What an agent has spent under this budget.
    pub fn spend(&mut self, ask: &Inspect, now: Millis) -> Spend {
        let mut spend = self.agents.get(&ask.agent).cloned().unwrap_or_default();
        spend.roll(now);
        let period = ask.budget.period;
        Spend {
            settled: spend.settled(period),
            held: spend.held(period),
            remaining: spend.remaining(&ask.budget),
            resets_at: period.resets_at(now),
            crossed_at: spend.crossing(period).filter(|_| spend.settled(period) >= ask.budget.limit),
            open_calls: spend.open_calls,
        }
    }
}
