//! What the account's ledger has yet to learn of a thread.

use serde::{Deserialize, Serialize};

use crate::domain::admission::command::CallRecord;
use crate::domain::ids::AgentId;
use crate::domain::thread::outbox;
use crate::domain::time::Millis;

/// What the ledger has yet to learn of a thread; a part of the thread's row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unsettled {
    /// Calls that have ended, of runs that are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<CallRecord>,
    /// The agents of runs that were deleted and are still named in the ledger. Their journals say by which calls, and stay
    /// until then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted_of: Vec<AgentId>,
    /// The last of those runs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deleted_to: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Unsettled {
    pub const fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.deleted_of.is_empty()
    }

    /// The runs up to this one were deleted.
    pub fn delete(&mut self, agent: AgentId, last_run: u32) {
        self.ended.iter_mut().for_each(|record| record.run = None);
        if last_run > self.deleted_to {
            self.deleted_to = last_run;
            if !self.deleted_of.contains(&agent) {
                self.deleted_of.push(agent);
            }
        }
    }

    /// How long to wait after a delivery that failed, in milliseconds.
    pub fn pause(&self, now: Millis) -> i64 {
        outbox::pause(self.ended.first().map_or(now, |record| record.at), now)
    }
}
