//! Requests that count once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{json, read};
use crate::domain::thread::once::Hash;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::{Query, queries};

queries! {
    /// `key`
    READ_KEY = "SELECT body, answer FROM keys WHERE id = ? AND at > ?";
    /// `write_key`: over one that is not remembered any more.
    WRITE_KEY = "INSERT OR REPLACE INTO keys (id, at, body, answer) VALUES (?, ?, ?, ?)";
    /// `empty_keys`: the thread goes, and with it what was answered; that it was asked for stays.
    EMPTY_KEYS = "UPDATE keys SET answer = ?";
    /// `forget_keys`
    DELETE_KEYS = "DELETE FROM keys WHERE id IN (SELECT id FROM keys WHERE at <= ? ORDER BY at LIMIT 1000)";
    /// `oldest_key`
    OLDEST_KEY = "SELECT at FROM keys ORDER BY at LIMIT 1";
}

pub(super) fn all() -> impl Iterator<Item = &'static Query> {
    QUERIES.iter()
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Key<T> {
    pub id: Hash,
    pub body: Hash,
    pub answer: T,
}

/// The request of this id, if it came after a moment.
///
/// # Errors
/// [`Error`].
pub fn key<T: DeserializeOwned>(sql: &impl Sql, id: Hash, after: Millis) -> Result<Option<Key<T>>, Error> {
    let rows = sql.query(&READ_KEY, &[Value::Text(id.to_string()), Value::Integer(after.0)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    let body = read("a body's hash", columns.text()?)?;
    Ok(Some(Key { id, body, answer: read("a key's answer", columns.text()?)? }))
}

/// # Errors
/// [`Error`].
pub fn write_key(sql: &impl Sql, at: Millis, key: &Key<impl Serialize>) -> Result<(), Error> {
    let id = Value::Text(key.id.to_string());
    sql.query(&WRITE_KEY, &[id, Value::Integer(at.0), json(&key.body)?, json(&key.answer)?]).map(drop)
}

/// Puts another answer in the place of every one.
///
/// # Errors
/// [`Error`].
pub fn empty_keys(sql: &impl Sql, answer: &impl Serialize) -> Result<(), Error> {
    sql.query(&EMPTY_KEYS, &[json(answer)?]).map(drop)
}

/// Forgets the requests up to a moment, at most 1,000 of them.
///
/// # Errors
/// [`Error`].
pub fn forget_keys(sql: &impl Sql, until: Millis) -> Result<(), Error> {
    sql.query(&DELETE_KEYS, &[Value::Integer(until.0)]).map(drop)
}

/// When the oldest request came that is remembered.
///
/// # Errors
/// [`Error`].
pub fn oldest_key(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    let rows = sql.query(&OLDEST_KEY, &[])?;
    rows.first().map(|row| Columns::of(row).integer().map(Millis)).transpose()
}
