//! Reads rows that stores wrote.

use crate::domain::money::Nanos;
use crate::object::sql::{Error, Value};

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
