//! What has to be written, gathered into one batch, and how much it reserves ahead.

use super::rows::{AgentRow, Batch, Meta};
use super::spend::AgentSpend;
use super::state::State;
use crate::domain::budget::Action;
use crate::domain::ids::AgentId;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

/// A slice is given back when its agent has been quiet this long, so that a restart charges nothing.
pub const IDLE_MS: i64 = 1_000;

impl State {
    /// Whether there is something to write.
    pub fn is_dirty(&self) -> bool {
        let unwritten = &self.unwritten;
        unwritten.meta
            || !unwritten.agents.is_empty()
            || !unwritten.records.is_empty()
            || !unwritten.forgotten.is_empty()
            || !unwritten.learned.is_empty()
    }

    /// Whether a slice is open, so that [`State::flush`] must be called again once its agent is quiet.
    pub fn has_open_slices(&self) -> bool {
        !self.open_slices.is_empty()
    }

    /// Takes all that differs from the disk and reserves the next slices. The batch must be written before anything
    /// is answered that counts on it; if it cannot be, this state must be thrown away and loaded again.
    pub fn flush(&mut self, now: Millis) -> Batch {
        let quiet: Vec<AgentId> = self
            .open_slices
            .iter()
            .filter(|agent| self.agents.get(agent).is_some_and(|spend| is_idle(spend, now)))
            .copied()
            .collect();
        self.unwritten.agents.extend(quiet);
        let mut room = self.room_for_slices(now);
        let unwritten = std::mem::take(&mut self.unwritten);
        let agents =
            unwritten.agents.iter().filter_map(|agent| self.flush_agent(*agent, &mut room, now)).collect();
        let meta = Meta { epoch: self.epoch, writers: self.writers, last_begin: self.last_begin };
        Batch {
            meta: unwritten.meta.then_some(meta),
            agents,
            holds: unwritten.holds.iter().filter_map(|call| self.holds.get(call).cloned()).collect(),
            removed_holds: unwritten.removed_holds.into_iter().collect(),
            records: unwritten.records.into_values().collect(),
            forgotten: unwritten.forgotten,
            learned: unwritten.learned,
        }
    }

    /// Takes the agent's next slice from `room`, which is what the account has left for it.
    fn flush_agent(&mut self, agent: AgentId, room: &mut Nanos, now: Millis) -> Option<AgentRow> {
        let spend = self.agents.get_mut(&agent)?;
        let slice = next_slice(spend, now).min(*room);
        *room = *room - slice;
        self.account.slices = (self.account.slices - spend.slice) + slice;
        spend.slice = slice;
        spend.drawn = Nanos::ZERO;
        if spend.slice > Nanos::ZERO {
            self.open_slices.insert(agent);
        } else {
            self.open_slices.remove(&agent);
        }
        Some(AgentRow {
            agent,
            total_settled: spend.total.settled,
            month_start: spend.month.start,
            month_settled: spend.month.tally.settled,
            day_start: spend.day.start,
            day_settled: spend.day.tally.settled,
            slice: spend.slice,
            ttl_ms: spend.ttl_ms,
            orphan: spend.orphan,
            crossed_at: spend.crossed_at,
        })
    }
}

const fn is_idle(spend: &AgentSpend, now: Millis) -> bool {
    now.0 >= spend.last_admitted_at.plus(IDLE_MS).0
}

/// Twice what was granted since the last write, so that a growing load writes ever more rarely, but never beyond what
/// the budget has left: a slice is money that a crash will charge.
fn next_slice(spend: &AgentSpend, now: Millis) -> Nanos {
    if is_idle(spend, now) {
        return Nanos::ZERO;
    }
    let ahead = (spend.drawn + spend.drawn).max(spend.last_grant + spend.last_grant);
    match spend.budget {
        Some(budget) if budget.action == Action::Block => ahead.min(spend.remaining(&budget)),
        _ => ahead,
    }
}
