//! The account object's tables: its snapshot at start, and one write per batch.

pub mod ledger;
mod rows;
mod schema;

pub use schema::STEPS;

use rows::{AgentRowJson, HoldJson};

use crate::domain::admission::command::Learned;
use crate::domain::admission::{Batch, Meta, Snapshot};
use crate::domain::ids::CallId;
use crate::object::sql::{Error, Sql, Value};
use crate::sql::{Query, queries};

queries! {
    /// `write`: one row, the account's numbers.
    WRITE_META = "INSERT INTO meta (id, epoch, writers, last_begin) VALUES (1, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, writers = excluded.writers, last_begin = excluded.last_begin";
    /// `write`: all agents of a batch, as one JSON array of arrays.
    WRITE_AGENTS = "INSERT OR REPLACE INTO agents (agent, total_settled, month_start, month_settled,
        day_start, day_settled, slice, ttl_ms, orphan, orphan_expires_at, crossed_at)
        SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
        value->>9, value->>10 FROM json_each(?)";
    /// `write`: all holds of a batch.
    WRITE_HOLDS = "INSERT OR REPLACE INTO holds (call, agent, key, version, model, amount, at, expires_at)
        SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7 FROM json_each(?)";
    /// `write`: the holds that are settled or charged.
    DELETE_HOLDS = "DELETE FROM holds WHERE call IN (SELECT value FROM json_each(?))";
    /// `write`: the declared things of a batch.
    WRITE_DECLARED = "INSERT INTO declared (kind, name, revision, body)
        SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(?) WHERE true
        ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, body = excluded.body
        WHERE excluded.revision > declared.revision";
    /// `load`
    READ_META = "SELECT epoch, writers, last_begin FROM meta WHERE id = 1";
    /// `load`
    READ_AGENTS = "SELECT agent, total_settled, month_start, month_settled, day_start, day_settled, slice,
        ttl_ms, orphan, orphan_expires_at, crossed_at FROM agents";
    /// `load`
    READ_HOLDS = "SELECT call, agent, key, version, model, amount, at, expires_at FROM holds";
}

/// Every statement on the account's tables.
pub(super) fn all() -> impl Iterator<Item = &'static Query> {
    QUERIES.iter().chain(ledger::QUERIES)
}

/// What the disk holds, for [`crate::domain::admission::State::load`].
///
/// # Errors
/// [`Error`] when SQLite refuses or a row is not what this code writes: money that cannot be read must not be
/// guessed.
pub fn load(sql: &impl Sql) -> Result<Snapshot, Error> {
    let meta = sql.query(&READ_META, &[])?;
    let agents = sql.query(&READ_AGENTS, &[])?;
    let holds = sql.query(&READ_HOLDS, &[])?;
    Ok(Snapshot {
        meta: meta.first().map(|row| rows::meta(row)).transpose()?,
        agents: agents.iter().map(|row| rows::agent(row)).collect::<Result<_, _>>()?,
        holds: holds.iter().map(|row| rows::hold(row)).collect::<Result<_, _>>()?,
    })
}

/// Writes a batch, within the caller's transaction.
///
/// # Errors
/// [`Error::Storage`].
pub fn write(sql: &impl Sql, batch: &Batch) -> Result<(), Error> {
    if let Some(Meta { epoch, writers, last_begin }) = batch.meta {
        let numbers = [epoch.cast_signed(), i64::from(writers), last_begin.0].map(Value::Integer);
        sql.query(&WRITE_META, &numbers)?;
    }
    write_all(sql, &WRITE_AGENTS, batch.agents.iter().map(AgentRowJson))?;
    write_all(sql, &WRITE_HOLDS, batch.holds.iter().map(HoldJson))?;
    write_all(sql, &DELETE_HOLDS, batch.removed_holds.iter().map(CallId::to_string))?;
    ledger::write(sql, &batch.records)?;
    ledger::forget(sql, &batch.forgotten)?;
    let columns =
        |thing: &Learned| (thing.kind.clone(), thing.name.clone(), thing.revision, thing.body.clone());
    write_all(sql, &WRITE_DECLARED, batch.learned.iter().map(columns))
}

/// Runs a statement over rows as one JSON array, in pieces that stay well below the platform's 2 MB a value.
fn write_all<T: serde::Serialize>(
    sql: &impl Sql,
    query: &Query,
    rows: impl Iterator<Item = T>,
) -> Result<(), Error> {
    let rows: Vec<T> = rows.collect();
    for piece in rows.chunks(1_000) {
        let json = serde_json::to_string(piece).map_err(|error| Error::Storage(error.to_string()))?;
        sql.query(query, &[Value::Text(json)])?;
    }
    Ok(())
}
