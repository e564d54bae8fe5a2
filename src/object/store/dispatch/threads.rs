//! The index's threads as such: all of them, for backups, and those that are due.

use super::THREAD_DIGITS;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `threads_behind`
    NEXT_ENTRY = "SELECT id FROM entries WHERE id > ? ORDER BY id LIMIT 1";
    /// `overdue`
    OVERDUE = "SELECT id FROM entries WHERE due_at < ? ORDER BY due_at LIMIT ?";
    /// `postpone`
    POSTPONE = "UPDATE entries SET due_at = ? WHERE id = ?";
    /// `oldest_kept`
    OLDEST_KEPT = "SELECT updated_at FROM entries WHERE kind = 4 ORDER BY updated_at LIMIT 1";
    /// `forget_kept`
    FORGET_KEPT = "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE kind = 4 AND updated_at < ? LIMIT 1000)";
    /// `forget_calls`
    FORGET_CALLS = "DELETE FROM entries WHERE id > ? AND id < ? AND kind IN (3, 4) AND created_at <= ?";
}

/// The most threads that are named at once.
const MAX_THREADS: u32 = 1_000;

/// The threads behind one, at most so many. Each is sought behind the runs of the one before.
///
/// # Errors
/// [`Error`].
pub fn threads_behind(sql: &impl Sql, mut after: String, most: u32) -> Result<Vec<String>, Error> {
    let mut threads = Vec::new();
    while threads.len() < most.min(MAX_THREADS) as usize {
        if !after.is_empty() {
            after.push('g');
        }
        let rows = sql.query(&NEXT_ENTRY, &[Value::Text(after)])?;
        let Some(row) = rows.first() else { break };
        let id = Columns::of(row).text()?;
        // A run may be left of a thread that goes.
        after = id.get(..THREAD_DIGITS).unwrap_or(id).to_owned();
        threads.push(after.clone());
    }
    Ok(threads)
}

/// Threads that were due before this moment, at most so many.
///
/// # Errors
/// [`Error`].
pub fn overdue(sql: &impl Sql, before: Millis, most: u32) -> Result<Vec<String>, Error> {
    let rows = sql.query(&OVERDUE, &[Value::Integer(before.0), Value::Integer(most.into())])?;
    rows.iter().map(|row| Columns::of(row).text().map(str::to_owned)).collect()
}

/// A thread is due at this moment and not before.
///
/// # Errors
/// [`Error`].
pub fn postpone(sql: &impl Sql, thread: &str, at: Millis) -> Result<(), Error> {
    sql.query(&POSTPONE, &[Value::Integer(at.0), Value::from(thread)]).map(drop)
}

/// When the first of the threads that were made for one call and are kept last changed.
///
/// # Errors
/// [`Error`].
pub fn oldest_kept(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    let rows = sql.query(&OLDEST_KEPT, &[])?;
    rows.first().map(|row| Columns::of(row).integer().map(Millis)).transpose()
}

/// Forgets those that have not changed since this moment, at most 1,000.
///
/// # Errors
/// [`Error`].
pub fn forget_kept(sql: &impl Sql, before: Millis) -> Result<(), Error> {
    sql.query(&FORGET_KEPT, &[Value::Integer(before.0)]).map(drop)
}

/// A thread that was made for one call by then is gone.
///
/// # Errors
/// [`Error`].
pub fn forget_calls(sql: &impl Sql, thread: &str, until: Millis) -> Result<(), Error> {
    let behind = format!("{thread}g");
    sql.query(&FORGET_CALLS, &[Value::from(thread), Value::Text(behind), Value::Integer(until.0)]).map(drop)
}
