//! The ledger's rows.

use serde::{Serialize, Serializer};

use super::write_all;
use crate::domain::admission::Known;
use crate::domain::admission::command::{CallRecord, CallStatus, Forget, Page, UsageKind};
use crate::domain::ids::{AgentId, CallId, KeyId};
use crate::domain::message::Usage;
use crate::domain::thread::id::RunId;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `write`: all settled calls of a batch.
    WRITE_CALLS = "INSERT OR REPLACE INTO calls (agent, call, key, version, model, status, usage, input_tokens,
        cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, held, cost, at, first_token_ms, duration_ms,
        run)
        SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
        value->>9, value->>10, value->>11, value->>12, value->>13, value->>14, value->>15, value->>16, value->>17 FROM json_each(?)";
    /// `forget`
    FORGET_RUNS = "UPDATE calls SET run = NULL WHERE agent = ? AND call IN (SELECT value FROM json_each(?))";
    /// `known`
    READ_CALL = "SELECT status, cost, at FROM calls WHERE agent = ? AND call = ?";
    /// `page`
    READ_CALLS = "SELECT agent, call, key, version, model, status, usage, input_tokens,
        cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, held, cost, at, first_token_ms, duration_ms,
        run FROM calls WHERE agent = ? AND call < ? ORDER BY call DESC LIMIT ?";
}

/// Writes settled calls.
///
/// # Errors
/// [`Error::Storage`].
pub(super) fn write(sql: &impl Sql, records: &[CallRecord]) -> Result<(), Error> {
    write_all(sql, &WRITE_CALLS, records.iter().map(RecordJson))
}

/// Takes the run out of rows.
///
/// # Errors
/// [`Error::Storage`].
pub(super) fn forget(sql: &impl Sql, forgotten: &[Forget]) -> Result<(), Error> {
    for Forget { agents, calls } in forgotten {
        let calls: Vec<String> = calls.iter().map(CallId::to_string).collect();
        let calls = serde_json::to_string(&calls).map_err(|error| Error::Storage(error.to_string()))?;
        for agent in agents {
            sql.query(&FORGET_RUNS, &[Value::Text(agent.to_string()), Value::Text(calls.clone())])?;
        }
    }
    Ok(())
}

/// What the ledger says of a call. A row that cannot be read is one all the same: that call has ended.
///
/// # Errors
/// [`Error::Storage`].
pub fn known(sql: &impl Sql, agent: AgentId, call: CallId) -> Result<Option<Known>, Error> {
    let found = sql.query(&READ_CALL, &[Value::Text(agent.to_string()), Value::Text(call.to_string())])?;
    Ok(found.first().map(|row| expired(row).unwrap_or(Known::Ended)))
}

/// `None` for a call that ended in any other way.
fn expired(row: &[Value]) -> Option<Known> {
    let mut columns = Columns::of(row);
    if columns.parsed(CallStatus::parse).ok()? != CallStatus::Expired {
        return None;
    }
    Some(Known::Expired { cost: columns.nanos().ok()?, at: Millis(columns.integer().ok()?) })
}

/// How many rows a page looks at beyond its length, to find others behind those that cannot be read.
const MAX_SKIPPED: usize = 1_000;
/// How much of a row that cannot be read is logged, in characters.
const MAX_LOGGED: usize = 300;

/// A page of an agent's ledger, newest first. Rows that cannot be read are left out and logged; the page
/// continues behind them, at most [`MAX_SKIPPED`].
///
/// # Errors
/// [`Error::Storage`].
pub fn page(sql: &impl Sql, page: &Page, log: &mut Vec<String>) -> Result<Vec<CallRecord>, Error> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let mut records = Vec::new();
    let mut first_damaged = None;
    let mut skipped = 0;
    // Every UUID sorts below this.
    let mut before = page.before.map_or_else(|| "g".to_owned(), |call| call.to_string());
    while records.len() < limit && skipped <= MAX_SKIPPED {
        let missing = limit - records.len();
        let range = [
            Value::Text(page.agent.to_string()),
            Value::Text(before),
            Value::Integer(i64::try_from(missing).unwrap_or(i64::MAX)),
        ];
        let rows = sql.query(&READ_CALLS, &range)?;
        for row in &rows {
            match record(row) {
                Ok(record) => records.push(record),
                Err(error) => {
                    skipped += 1;
                    first_damaged.get_or_insert_with(|| format!("{error} in {row:?}"));
                }
            }
        }
        match rows.last().and_then(|row| row.get(1)) {
            Some(Value::Text(call)) if rows.len() == missing => before = call.clone(),
            _ => break,
        }
    }
    if let Some(first) = first_damaged {
        let first: String = first.chars().take(MAX_LOGGED).collect();
        log.push(format!("{skipped} rows of the ledger of {} cannot be read: {first}", page.agent));
    }
    Ok(records)
}

/// In the order of `WRITE_CALLS`.
struct RecordJson<'a>(&'a CallRecord);

/// A list, because serde's tuples end at sixteen.
#[derive(Serialize)]
#[serde(transparent)]
struct Cells(Vec<Cell>);

#[derive(Serialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Name(&'static str),
    Number(u64),
    Moment(i64),
    Null,
}

impl Serialize for RecordJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let tokens = &record.tokens;
        Cells(vec![
            Cell::Text(record.agent.to_string()),
            Cell::Text(record.call.to_string()),
            record.key.map_or(Cell::Null, |key| Cell::Text(key.to_string())),
            Cell::Number(record.version.into()),
            Cell::Text(record.model.clone()),
            Cell::Name(record.status.name()),
            Cell::Name(record.usage.name()),
            Cell::Number(tokens.input_tokens),
            Cell::Number(tokens.cached_input_tokens),
            Cell::Number(tokens.cache_write_tokens),
            Cell::Number(tokens.output_tokens),
            Cell::Number(tokens.reasoning_tokens),
            Cell::Number(record.held.get()),
            Cell::Number(record.cost.get()),
            Cell::Moment(record.at.0),
            record.first_token_ms.map_or(Cell::Null, |ms| Cell::Number(ms.into())),
            Cell::Number(record.duration_ms.into()),
            record.run.map_or(Cell::Null, |run| Cell::Text(run.to_string())),
        ])
        .serialize(serializer)
    }
}

fn record(row: &[Value]) -> Result<CallRecord, Error> {
    let mut columns = Columns::of(row);
    Ok(CallRecord {
        agent: columns.parsed(AgentId::parse)?,
        call: columns.parsed(CallId::parse)?,
        key: columns.optional(KeyId::parse)?,
        version: columns.number()?,
        model: columns.text()?.to_owned(),
        status: columns.parsed(CallStatus::parse)?,
        usage: columns.parsed(UsageKind::parse)?,
        tokens: Usage {
            input_tokens: columns.number()?,
            cached_input_tokens: columns.number()?,
            cache_write_tokens: columns.number()?,
            output_tokens: columns.number()?,
            reasoning_tokens: columns.number()?,
            hour_write_tokens: 0,
            audio_input_tokens: 0,
        },
        held: columns.nanos()?,
        cost: columns.nanos()?,
        at: Millis(columns.integer()?),
        first_token_ms: columns
            .optional_integer()?
            .map(|ms| u32::try_from(ms).map_err(|_| Error::Decode(format!("{ms} ms is out of range"))))
            .transpose()?,
        duration_ms: columns.number()?,
        run: columns.optional(RunId::parse)?,
    })
}
