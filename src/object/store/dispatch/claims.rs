//! Room that is claimed, and how much is taken.

use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `all`
    READ_CLAIMS = "SELECT id, thread, is_thread, is_run, run, is_memory, until FROM claims";
    /// `write`
    WRITE_CLAIM = "INSERT INTO claims (id, thread, is_thread, is_run, run, is_memory, until) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET is_thread = excluded.is_thread, is_run = excluded.is_run, run = excluded.run,
        until = excluded.until";
    /// `delete`
    DELETE_CLAIM = "DELETE FROM claims WHERE id = ?";
    /// `count`
    COUNT_THREADS = "SELECT count(*), coalesce(sum(bytes), 0) FROM entries WHERE kind = 0";
    /// `count`
    COUNT_RUNS = "SELECT count(*) FROM entries WHERE kind = 1 AND status IN ('queued', 'in_progress', 'waiting', 'paused')";
    /// `count`
    COUNT_HIDDEN = "SELECT count(*) FROM entries WHERE kind = 3";
    /// `count`
    COUNT_MEMORIES = "SELECT coalesce(sum(memories), 0) FROM places";
    /// `forget_hidden`
    FORGET_HIDDEN = "DELETE FROM entries WHERE kind = 3 AND created_at < ?";
}

/// A claim that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// As the index names it.
    pub thread: String,
    /// Whether the thread itself takes room.
    pub is_thread: bool,
    /// Whether a run does, and which, once that is known.
    pub is_run: bool,
    pub run: Option<String>,
    /// Whether it is room for a memory in the object of the name in `thread`.
    pub is_memory: bool,
    pub until: Millis,
}

/// What the index counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    pub threads: u64,
    pub bytes: u64,
    /// That are not over; hidden ones too.
    pub runs: u64,
    pub memories: u64,
}

/// # Errors
/// [`Error`].
pub fn all(sql: &impl Sql) -> Result<Vec<(String, Claimed)>, Error> {
    let rows = sql.query(&READ_CLAIMS, &[])?;
    let claim = |row: &Vec<Value>| {
        let mut columns = Columns::of(row);
        let (id, thread) = (columns.text()?.to_owned(), columns.text()?.to_owned());
        let (is_thread, is_run) = (columns.integer()? == 1, columns.integer()? == 1);
        let run = columns.optional_text()?.map(str::to_owned);
        let is_memory = columns.integer()? == 1;
        let until = Millis(columns.integer()?);
        Ok((id, Claimed { thread, is_thread, is_run, run, is_memory, until }))
    };
    rows.iter().map(claim).collect()
}

/// # Errors
/// [`Error`].
pub fn write(sql: &impl Sql, id: &str, claimed: &Claimed) -> Result<(), Error> {
    let Claimed { thread, is_thread, is_run, run, is_memory, until } = claimed;
    let flag = |is: bool| Value::Integer(i64::from(is));
    let values = [
        Value::from(id),
        Value::from(thread.as_str()),
        flag(*is_thread),
        flag(*is_run),
        run.as_deref().map_or(Value::Null, Value::from),
        flag(*is_memory),
        Value::Integer(until.0),
    ];
    sql.query(&WRITE_CLAIM, &values).map(drop)
}

/// # Errors
/// [`Error`].
pub fn delete(sql: &impl Sql, id: &str) -> Result<(), Error> {
    sql.query(&DELETE_CLAIM, &[Value::from(id)]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn count(sql: &impl Sql) -> Result<Counted, Error> {
    let threads = sql.query(&COUNT_THREADS, &[])?;
    let (threads, bytes) = match threads.first() {
        Some(row) => {
            let mut columns = Columns::of(row);
            (columns.number()?, columns.number()?)
        }
        None => (0, 0),
    };
    let mut runs = 0;
    for query in [&COUNT_RUNS, &COUNT_HIDDEN] {
        let rows = sql.query(query, &[])?;
        runs += rows.first().map_or(Ok(0), |row| Columns::of(row).number::<u64>())?;
    }
    let memories = sql.query(&COUNT_MEMORIES, &[])?;
    let memories = memories.first().map_or(Ok(0), |row| Columns::of(row).number::<u64>())?;
    Ok(Counted { threads, bytes, runs, memories })
}

/// Forgets hidden runs from before a moment: nothing of them lives so long.
///
/// # Errors
/// [`Error`].
pub fn forget_hidden(sql: &impl Sql, before: Millis) -> Result<(), Error> {
    sql.query(&FORGET_HIDDEN, &[Value::Integer(before.0)]).map(drop)
}
