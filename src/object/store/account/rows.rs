//! Rows of the object's tables, to and from what the domain knows.

use serde::{Serialize, Serializer};

use crate::domain::admission::{AgentRow, Hold, Meta, Orphan};
use crate::domain::ids::{AgentId, CallId, KeyId};
use crate::domain::money::Nanos;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Value};
use crate::object::store::columns::Columns;

/// In the order of `WRITE_AGENTS`.
pub struct AgentRowJson<'a>(pub &'a AgentRow);

impl Serialize for AgentRowJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        (
            row.agent,
            row.total_settled.get(),
            row.month_start.0,
            row.month_settled.get(),
            row.day_start.0,
            row.day_settled.get(),
            row.slice.get(),
            row.ttl_ms,
            row.orphan.map(|orphan| orphan.amount.get()),
            row.orphan.map(|orphan| orphan.expires_at.0),
            row.crossed_at.map(|at| at.0),
        )
            .serialize(serializer)
    }
}

/// In the order of `WRITE_HOLDS`.
pub struct HoldJson<'a>(pub &'a Hold);

impl Serialize for HoldJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hold = self.0;
        (
            hold.call,
            hold.agent,
            hold.key,
            hold.version,
            &hold.model,
            hold.amount.get(),
            hold.at.0,
            hold.expires_at.0,
        )
            .serialize(serializer)
    }
}

pub fn meta(row: &[Value]) -> Result<Meta, Error> {
    let mut columns = Columns::of(row);
    Ok(Meta { epoch: columns.number()?, writers: columns.number()?, last_begin: Millis(columns.integer()?) })
}

pub fn agent(row: &[Value]) -> Result<AgentRow, Error> {
    let mut columns = Columns::of(row);
    Ok(AgentRow {
        agent: columns.parsed(AgentId::parse)?,
        total_settled: columns.nanos()?,
        month_start: Millis(columns.integer()?),
        month_settled: columns.nanos()?,
        day_start: Millis(columns.integer()?),
        day_settled: columns.nanos()?,
        slice: columns.nanos()?,
        ttl_ms: columns.number()?,
        orphan: {
            let amount = columns.optional_integer()?.map(Nanos::from_i64);
            let expires_at = columns.optional_integer()?.map(Millis);
            amount.zip(expires_at).map(|(amount, expires_at)| Orphan { amount, expires_at })
        },
        crossed_at: columns.optional_integer()?.map(Millis),
    })
}

pub fn hold(row: &[Value]) -> Result<Hold, Error> {
    let mut columns = Columns::of(row);
    Ok(Hold {
        call: columns.parsed(CallId::parse)?,
        agent: columns.parsed(AgentId::parse)?,
        key: columns.optional(KeyId::parse)?,
        version: columns.number()?,
        model: columns.text()?.to_owned(),
        amount: columns.nanos()?,
        at: Millis(columns.integer()?),
        expires_at: Millis(columns.integer()?),
    })
}
