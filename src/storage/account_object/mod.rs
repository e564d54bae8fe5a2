//! The account object's own SQLite: its schema, its snapshot at start, and one atomic write per batch.
//!
//! Generic over [`Sql`], so that the same statements run in the object and in native tests.

mod ledger;
pub mod platform;
mod rows;
mod schema;
mod sql;

pub use sql::{Error, Sql, Value};

use rows::{AgentRowJson, HoldJson};

use crate::domain::admission::command::{CallRecord, Page};
use crate::domain::admission::{Batch, Known, Meta, Snapshot};
use crate::domain::ids::{AgentId, CallId};
use crate::domain::time::Millis;

/// The account's store.
#[derive(Debug)]
pub struct AccountStore<S> {
    sql: S,
}

/// `write_batch`: one row, the account's numbers.
pub const WRITE_META: &str = "INSERT INTO meta (id, epoch, writers, last_begin) VALUES (1, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, writers = excluded.writers, last_begin = excluded.last_begin";

/// `write_batch`: all agents of a batch, as one JSON array of arrays.
pub const WRITE_AGENTS: &str =
    "INSERT OR REPLACE INTO agents (agent, total_settled, month_start, month_settled,
    day_start, day_settled, slice, ttl_ms, orphan, orphan_expires_at, crossed_at)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
    value->>9, value->>10 FROM json_each(?)";

/// `write_batch`: all holds of a batch.
pub const WRITE_HOLDS: &str = "INSERT OR REPLACE INTO holds (call, agent, key, version, model, amount, at, expires_at)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7 FROM json_each(?)";

/// `write_batch`: the holds that are settled or charged.
pub const DELETE_HOLDS: &str = "DELETE FROM holds WHERE call IN (SELECT value FROM json_each(?))";

/// `load`
pub const READ_META: &str = "SELECT epoch, writers, last_begin FROM meta WHERE id = 1";
/// `load`
pub const READ_AGENTS: &str =
    "SELECT agent, total_settled, month_start, month_settled, day_start, day_settled, slice,
    ttl_ms, orphan, orphan_expires_at, crossed_at FROM agents";
/// `load`
pub const READ_HOLDS: &str = "SELECT call, agent, key, version, model, amount, at, expires_at FROM holds";

impl<S: Sql> AccountStore<S> {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error`] when SQLite refuses, or the store was written by a newer schema than this code knows.
    pub fn open(sql: S) -> Result<Self, Error> {
        schema::migrate(&sql)?;
        Ok(Self { sql })
    }

    /// What the disk holds, for [`crate::domain::admission::State::load`].
    ///
    /// # Errors
    /// [`Error`] when SQLite refuses or a row is not what this code writes.
    pub fn load(&self) -> Result<Snapshot, Error> {
        let meta = self.sql.exec(READ_META, &[])?;
        Ok(Snapshot {
            meta: meta.first().map(|row| rows::meta(row)).transpose()?,
            agents: self
                .sql
                .exec(READ_AGENTS, &[])?
                .iter()
                .map(|row| rows::agent(row))
                .collect::<Result<_, _>>()?,
            holds: self
                .sql
                .exec(READ_HOLDS, &[])?
                .iter()
                .map(|row| rows::hold(row))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Writes a batch, all of it or nothing.
    ///
    /// # Errors
    /// [`Error`]; the disk is as it was before then.
    pub fn write(&self, batch: &Batch) -> Result<(), Error> {
        self.sql.atomically(&mut || self.write_parts(batch))
    }

    fn write_parts(&self, batch: &Batch) -> Result<(), Error> {
        if let Some(Meta { epoch, writers, last_begin }) = batch.meta {
            let numbers = [epoch.cast_signed(), i64::from(writers), last_begin.0].map(Value::Integer);
            self.sql.exec(WRITE_META, &numbers)?;
        }
        self.write_all(WRITE_AGENTS, batch.agents.iter().map(AgentRowJson))?;
        self.write_all(WRITE_HOLDS, batch.holds.iter().map(HoldJson))?;
        self.write_all(DELETE_HOLDS, batch.removed_holds.iter().map(CallId::to_string))?;
        self.write_all(ledger::WRITE, batch.records.iter().map(ledger::RecordJson))
    }

    /// Runs a statement over rows as one JSON array, in pieces that stay well below the platform's 2 MB a value.
    fn write_all<T: serde::Serialize>(
        &self,
        statement: &str,
        rows: impl Iterator<Item = T>,
    ) -> Result<(), Error> {
        let rows: Vec<T> = rows.collect();
        for piece in rows.chunks(1_000) {
            let json = serde_json::to_string(piece).map_err(|e| Error(e.to_string()))?;
            self.sql.exec(statement, &[Value::Text(json)])?;
        }
        Ok(())
    }

    /// What the ledger says of a call.
    ///
    /// # Errors
    /// [`Error`] when SQLite refuses.
    pub fn known(&self, agent: AgentId, call: CallId) -> Result<Option<Known>, Error> {
        let key = [Value::Text(agent.to_string()), Value::Text(call.to_string())];
        let found = self.sql.exec(ledger::READ_ONE, &key)?;
        found.first().map(|row| ledger::record(row)).transpose().map(|record| {
            record.map(|record| Known { status: record.status, cost: record.cost, at: record.at })
        })
    }

    /// A page of an agent's ledger, newest first.
    ///
    /// # Errors
    /// [`Error`] when SQLite refuses.
    pub fn calls(&self, page: &Page) -> Result<Vec<CallRecord>, Error> {
        // Every UUID sorts below this.
        let before = page.before.map_or_else(|| "g".to_owned(), |call| call.to_string());
        let range =
            [Value::Text(page.agent.to_string()), Value::Text(before), Value::Integer(i64::from(page.limit))];
        self.sql.exec(ledger::READ_PAGE, &range)?.iter().map(|row| ledger::record(row)).collect()
    }
}

/// For readers of a moment column.
const fn moment(ms: i64) -> Millis {
    Millis(ms)
}
