//! What runs did, in the order in which it ended.

use serde::Serialize;

use super::{json, read};
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `write_step`
    WRITE_JOURNAL = "INSERT INTO steps (run, nth, body) VALUES (?, ?, ?)";
    /// `steps`: how much they are, before any of it is read.
    STEP_SIZES = "SELECT nth, octet_length(body) FROM steps WHERE run = ? AND nth > ? ORDER BY nth LIMIT ?";
    /// `steps`
    STEPS_BETWEEN = "SELECT body FROM steps WHERE run = ? AND nth > ? AND nth <= ? ORDER BY nth";
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

/// The most entries of a journal that are read at once, and their bytes.
const MAX_STEPS: usize = 1_000;
const MAX_BYTES: u64 = 1_000_000;

/// A page of a run's journal, behind an entry (0: from the first): as many as fit, but one at least; and behind which entry the
/// next page begins, `None` where these are all.
///
/// # Errors
/// [`Error`].
pub fn steps(sql: &impl Sql, run: u32, after: u32) -> Result<(Vec<serde_json::Value>, Option<u32>), Error> {
    let [of, behind] = [run, after].map(|number| Value::Integer(number.into()));
    let limit = Value::Integer(MAX_STEPS as i64 + 1);
    let (mut until, mut bytes, mut next) = (after, 0_u64, None);
    for (count, row) in sql.query(&STEP_SIZES, &[of.clone(), behind.clone(), limit])?.iter().enumerate() {
        let mut columns = Columns::of(row);
        let (nth, size): (u32, u64) = (columns.number()?, columns.number()?);
        if count > 0 && bytes.saturating_add(size) > MAX_BYTES || count >= MAX_STEPS {
            next = Some(until);
            break;
        }
        bytes = bytes.saturating_add(size);
        until = nth;
    }
    let rows = sql.query(&STEPS_BETWEEN, &[of, behind, Value::Integer(until.into())])?;
    let steps = rows.iter().map(|row| read("a step", Columns::of(row).text()?)).collect::<Result<_, _>>()?;
    Ok((steps, next))
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
