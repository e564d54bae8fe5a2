//! Rows of the object's tables, to and from what the domain knows.

use serde::{Serialize, Serializer};

use crate::domain::admission::{AgentRow, Hold, Meta, Orphan};
use crate::domain::ids::{AgentId, CallId, KeyId};
use crate::domain::money::Nanos;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Value};

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

const fn decode(words: String) -> Error {
    Error::Decode(words)
}

/// Reads a row's columns one after the other.
pub struct Columns<'a> {
    row: std::slice::Iter<'a, Value>,
}

impl<'a> Columns<'a> {
    pub fn of(row: &'a [Value]) -> Self {
        Self { row: row.iter() }
    }

    pub fn optional_integer(&mut self) -> Result<Option<i64>, Error> {
        match self.row.next() {
            Some(Value::Integer(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            other => Err(decode(format!("expected an integer, found {other:?}"))),
        }
    }

    pub fn integer(&mut self) -> Result<i64, Error> {
        self.optional_integer()?.ok_or_else(|| decode("expected an integer, found null".to_owned()))
    }

    pub fn optional_text(&mut self) -> Result<Option<&'a str>, Error> {
        match self.row.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            other => Err(decode(format!("expected a text, found {other:?}"))),
        }
    }

    pub fn text(&mut self) -> Result<&'a str, Error> {
        self.optional_text()?.ok_or_else(|| decode("expected a text, found null".to_owned()))
    }

    pub fn nanos(&mut self) -> Result<Nanos, Error> {
        self.integer().map(Nanos::from_i64)
    }

    /// An integer of a smaller type.
    pub fn number<T: TryFrom<i64>>(&mut self) -> Result<T, Error> {
        self.integer().and_then(|n| T::try_from(n).map_err(|_| decode(format!("{n} is out of range"))))
    }

    /// A text that `parse` reads.
    pub fn parsed<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, Error> {
        let text = self.text()?;
        parse(text).ok_or_else(|| decode(format!("`{text}` is not what this column holds")))
    }

    pub fn optional<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let Some(text) = self.optional_text()? else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| decode(format!("`{text}` is not what this column holds")))
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
