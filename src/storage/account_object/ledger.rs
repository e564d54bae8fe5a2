//! The ledger's rows.

use serde::{Serialize, Serializer};

use super::moment;
use super::rows::Columns;
use super::sql::{Error, Value};
use crate::domain::admission::command::{CallRecord, CallStatus, UsageKind};
use crate::domain::ids::{AgentId, CallId, KeyId};
use crate::domain::message::Usage;

/// `write_batch`: all settled calls of a batch.
pub const WRITE: &str = "INSERT OR REPLACE INTO calls (agent, call, key, version, model, status, usage, input_tokens,
    cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, held, cost, at, first_token_ms, duration_ms)
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
    value->>9, value->>10, value->>11, value->>12, value->>13, value->>14, value->>15, value->>16 FROM json_each(?)";

/// `known`
pub const READ_ONE: &str = "SELECT agent, call, key, version, model, status, usage, input_tokens,
    cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, held, cost, at, first_token_ms, duration_ms
    FROM calls WHERE agent = ? AND call = ?";

/// `calls`
pub const READ_PAGE: &str = "SELECT agent, call, key, version, model, status, usage, input_tokens,
    cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, held, cost, at, first_token_ms, duration_ms
    FROM calls WHERE agent = ? AND call < ? ORDER BY call DESC LIMIT ?";

/// In the order of `WRITE`.
pub struct RecordJson<'a>(pub &'a CallRecord);

/// Two parts, because serde's tuples end at sixteen.
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
        ])
        .serialize(serializer)
    }
}

pub fn record(row: &[Value]) -> Result<CallRecord, Error> {
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
        },
        held: columns.nanos()?,
        cost: columns.nanos()?,
        at: moment(columns.integer()?),
        first_token_ms: columns
            .optional_integer()?
            .map(|ms| u32::try_from(ms).map_err(|_| Error(format!("{ms} ms is out of range"))))
            .transpose()?,
        duration_ms: columns.number()?,
    })
}
