//! What the object's disk has of an account, and what one write changes of it.

use super::command::{CallRecord, Forget, Learned};
use super::spend::Orphan;
use crate::domain::ids::{AgentId, CallId, KeyId};
use crate::domain::money::Nanos;
use crate::domain::time::Millis;

/// What the disk holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub meta: Option<Meta>,
    pub agents: Vec<AgentRow>,
    pub holds: Vec<Hold>,
}

/// One write: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub meta: Option<Meta>,
    /// To insert or replace.
    pub agents: Vec<AgentRow>,
    /// To insert or replace.
    pub holds: Vec<Hold>,
    /// To delete, if they are there.
    pub removed_holds: Vec<CallId>,
    /// To insert or replace.
    pub records: Vec<CallRecord>,
    /// Rows that lose their run, those of this write included.
    pub forgotten: Vec<Forget>,
    /// To insert, or to replace an older revision.
    pub learned: Vec<Learned>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    pub epoch: u64,
    pub writers: u32,
    pub last_begin: Millis,
}

/// An agent's row. What is held is not in it: that is the sum of the holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRow {
    pub agent: AgentId,
    pub total_settled: Nanos,
    pub month_start: Millis,
    pub month_settled: Nanos,
    pub day_start: Millis,
    pub day_settled: Nanos,
    pub slice: Nanos,
    pub ttl_ms: u32,
    pub orphan: Option<Orphan>,
    pub crossed_at: Option<Millis>,
}

/// Money set aside for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub call: CallId,
    pub agent: AgentId,
    pub key: Option<KeyId>,
    pub version: u32,
    pub model: String,
    /// What earlier attempts may have cost, and the ceiling of the running one.
    pub amount: Nanos,
    pub at: Millis,
    pub expires_at: Millis,
}
