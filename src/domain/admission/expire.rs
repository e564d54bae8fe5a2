//! What happens when nobody comes back: holds and orphans are charged, a dead writer's write is ended.

use super::command::{CallRecord, CallStatus, UsageKind};
use super::rows::Hold;
use super::state::State;
use crate::domain::ids::{AgentId, CallId};
use crate::domain::message::Usage;
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

/// A control-plane write that has not ended after this long has lost its writer: a D1 batch ends within 30 s.
const WRITER_MS: i64 = 60_000;

impl State {
    /// Charges what has expired by `now`; `new_id` names the ledger's rows of orphans.
    pub fn expire(&mut self, now: Millis, mut new_id: impl FnMut() -> CallId) {
        let due: Vec<CallId> =
            self.holds.values().filter(|hold| hold.expires_at <= now).map(|hold| hold.call).collect();
        for call in due {
            if let Some(hold) = self.remove_hold(call) {
                self.unwritten.holds.remove(&call);
                self.unwritten.removed_holds.insert(call);
                self.book(charged(&hold, now), Nanos::ZERO, now);
            }
        }
        let orphaned: Vec<(AgentId, Nanos)> = self
            .agents
            .iter()
            .filter_map(|(agent, spend)| {
                spend.orphan.filter(|orphan| orphan.expires_at <= now).map(|orphan| (*agent, orphan.amount))
            })
            .collect();
        for (agent, amount) in orphaned {
            if let Some(spend) = self.agents.get_mut(&agent) {
                spend.orphan = None;
            }
            self.account.orphans = self.account.orphans - amount;
            self.book(unattributed(new_id(), agent, amount, now), Nanos::ZERO, now);
        }
        if self.writers > 0 && self.last_begin.plus(WRITER_MS) <= now {
            self.writers = 0;
            self.epoch += 1;
            self.unwritten.meta = true;
        }
    }

    /// When [`State::expire`] has something to do next.
    pub fn wake_at(&self) -> Option<Millis> {
        let holds = self.holds.values().map(|hold| hold.expires_at);
        let orphans = self.agents.values().filter_map(|spend| spend.orphan).map(|orphan| orphan.expires_at);
        let writer = (self.writers > 0).then(|| self.last_begin.plus(WRITER_MS));
        holds.chain(orphans).chain(writer).min()
    }
}

fn charged(hold: &Hold, now: Millis) -> CallRecord {
    CallRecord {
        call: hold.call,
        agent: hold.agent,
        key: hold.key,
        version: hold.version,
        model: hold.model.clone(),
        status: CallStatus::Expired,
        usage: UsageKind::Missing,
        tokens: Usage::default(),
        held: hold.amount,
        cost: hold.amount,
        at: hold.at,
        first_token_ms: None,
        duration_ms: u32::try_from(now.since(hold.at)).unwrap_or(u32::MAX),
        run: None,
    }
}

fn unattributed(call: CallId, agent: AgentId, amount: Nanos, now: Millis) -> CallRecord {
    CallRecord {
        call,
        agent,
        key: None,
        version: 0,
        model: String::new(),
        status: CallStatus::Unattributed,
        usage: UsageKind::Missing,
        tokens: Usage::default(),
        held: amount,
        cost: amount,
        at: now,
        first_token_ms: None,
        duration_ms: 0,
        run: None,
    }
}
