//! How a call is settled: the actual cost takes the place of the hold, once.

use super::command::{CallRecord, CallStatus, Forget};
use super::spend::Tally;
use super::state::State;
use crate::domain::ids::AgentId;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

/// What the ledger on the disk says of a call, for one that has no hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nobody settled it in time, and this was charged.
    Expired { cost: Nanos, at: Millis },
    /// It was settled; saying so again changes nothing.
    Ended,
}

impl Known {
    /// What a row says.
    pub fn of(record: &CallRecord) -> Self {
        match record.status {
            CallStatus::Expired => Self::Expired { cost: record.cost, at: record.at },
            _ => Self::Ended,
        }
    }
}

impl State {
    /// Whether the ledger on the disk must be asked before this call is settled.
    pub fn must_look_up(&self, record: &CallRecord) -> bool {
        !self.holds.contains_key(&record.call) && !self.unwritten.records.contains_key(&record.call)
    }

    /// Settles a call. `known` is the ledger's row of it, if it has one.
    ///
    /// The answer must wait for the next write. A call that was charged because nobody settled it in time is put
    /// right by a late settlement; any other repetition changes nothing.
    pub fn settle(&mut self, mut record: CallRecord, known: Option<Known>, now: Millis) {
        if let Some(hold) = self.remove_hold(record.call) {
            self.unwritten.holds.remove(&hold.call);
            self.unwritten.removed_holds.insert(hold.call);
            let covered = hold.amount + self.draw_orphan(record.agent, record.held - hold.amount);
            record.cost = if record.held > hold.amount { record.cost.min(covered) } else { record.cost };
            record.at = hold.at;
            self.book(record, Nanos::ZERO, now);
            return;
        }
        let earlier = self.unwritten.records.get(&record.call);
        let known = earlier.map(Known::of).or(known);
        match known {
            Some(Known::Expired { cost, at }) => {
                record.at = at;
                // What a forgotten later attempt cost beyond the charged hold has expired with the orphan.
                record.cost = record.cost.min(cost);
                self.book(record, cost, now);
            }
            Some(Known::Ended) => {}
            None => self.settle_forgotten(record, now),
        }
    }

    /// These calls lose their run. The answer must wait for the next write.
    pub fn forget(&mut self, forget: Forget) {
        self.unwritten.forgotten.push(forget);
    }

    /// An object died before it wrote this admission down: its hold is part of the orphan. What the orphan no longer
    /// has was charged when it expired, and is not charged again.
    fn settle_forgotten(&mut self, mut record: CallRecord, now: Millis) {
        record.at = record.at.min(now);
        record.cost = record.cost.min(self.draw_orphan(record.agent, record.held));
        self.book(record, Nanos::ZERO, now);
    }

    /// Takes from the orphan what a settled call held and no hold tells of; returns what there was to take.
    fn draw_orphan(&mut self, agent: AgentId, forgotten: Nanos) -> Nanos {
        let Some(spend) = self.agents.get_mut(&agent) else { return Nanos::ZERO };
        let Some(mut orphan) = spend.orphan else { return Nanos::ZERO };
        let drawn = forgotten.min(orphan.amount);
        orphan.amount = orphan.amount - drawn;
        spend.orphan = (orphan.amount > Nanos::ZERO).then_some(orphan);
        self.account.orphans = self.account.orphans - drawn;
        drawn
    }

    /// Writes a row of the ledger; `refund` is what an earlier row of the same call had charged.
    pub(super) fn book(&mut self, mut record: CallRecord, refund: Nanos, now: Millis) {
        record.tokens = record.tokens.bounded();
        let spend = self.agents.entry(record.agent).or_default();
        spend.roll(now);
        let settle = |tally: &mut Tally| tally.settled = (tally.settled - refund) + record.cost;
        spend.each(record.at, settle);
        self.account.roll(now);
        self.account.month.apply(record.at, settle);
        spend.note_crossing(now);
        self.unwritten.agents.insert(record.agent);
        self.unwritten.records.insert(record.call, record);
    }
}
