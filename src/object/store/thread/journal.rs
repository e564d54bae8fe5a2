//! What runs did, in the order in which it ended.

use serde::Serialize;

use super::{json, read};
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `write_step`
    WRITE_JOURNAL = "INSERT INTO steps (run, nth, body) VALUES (?, ?, ?)";
    /// `steps`
    JOURNAL_OF = "SELECT body FROM steps WHERE run = ? ORDER BY nth LIMIT 1000";
    /// `delete_steps`
    DELETE_ALL_STEPS = "DELETE FROM steps";
    /// `steps_until`
    STEPS_UNTIL = "SELECT body FROM steps WHERE run <= ? ORDER BY run, nth LIMIT ?";
    /// `forget_steps`
    FORGET_STEPS = "DELETE FROM steps WHERE (run, nth) IN (SELECT run, nth FROM steps WHERE run <= ? ORDER BY run, nth LIMIT ?)";
}

/// # Errors
/// [`Error`].
pub fn write_step(sql: &impl Sql, run: u32, nth: u32, body: &impl Serialize) -> Result<(), Error> {
    sql.query(&WRITE_JOURNAL, &[Value::Integer(run.into()), Value::Integer(nth.into()), json(body)?])
        .map(drop)
}

/// The journal of a run, its first 1,000 entries.
///
/// # Errors
/// [`Error`].
pub fn steps(sql: &impl Sql, run: u32) -> Result<Vec<serde_json::Value>, Error> {
    let rows = sql.query(&JOURNAL_OF, &[Value::Integer(run.into())])?;
    rows.iter().map(|row| read("a step", Columns::of(row).text()?)).collect()
}

/// The first entries of the journals up to a run.
///
/// # Errors
/// [`Error`].
pub fn steps_until(sql: &impl Sql, run: u32, limit: u32) -> Result<Vec<serde_json::Value>, Error> {
    let rows = sql.query(&STEPS_UNTIL, &[run, limit].map(|number| Value::Integer(number.into())))?;
    rows.iter().map(|row| read("a step", Columns::of(row).text()?)).collect()
}

/// Forgets the first entries of the journals up to a run; whether those were all.
///
/// # Errors
/// [`Error`].
pub fn forget_steps(sql: &impl Sql, run: u32, limit: u32) -> Result<bool, Error> {
    sql.query(&FORGET_STEPS, &[run, limit].map(|number| Value::Integer(number.into())))?;
    Ok(steps_until(sql, run, 1)?.is_empty())
}

/// # Errors
/// [`Error`].
pub fn delete_steps(sql: &impl Sql) -> Result<(), Error> {
    sql.query(&DELETE_ALL_STEPS, &[]).map(drop)
}
