//! Who is erased and what is to go, and whom a legal hold keeps.

use super::{Is, Row, THREAD_DIGITS, delete, notices, optional, put, row, text};
use crate::domain::erasure::{Hold, Receipt, Status};
use crate::domain::ids::{AgentId, ErasureId};
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `insert`
    INSERT_ERASURE = "INSERT INTO erasures (id, digest, user, requested_by, requested_at, finished_at, threads, runs,
        memories) VALUES (?, ?, ?, ?, ?, NULL, 0, 0, 0) ON CONFLICT (id) DO NOTHING";
    /// `count`
    COUNT_ERASED = "UPDATE erasures SET threads = threads + ?, runs = runs + ?, memories = memories + ?, items = items + ?
        WHERE id = ?";
    /// `finish`
    FINISH_ERASURE = "UPDATE erasures SET user = NULL, finished_at = coalesce(finished_at, ?) WHERE id = ?";
    /// `reopen`
    REOPEN_ERASURE = "UPDATE erasures SET user = ? WHERE id = ?";
    /// `running`
    RUNNING_ERASURES = "SELECT id, user, requested_at FROM erasures WHERE user IS NOT NULL ORDER BY id LIMIT ?";
    /// `receipt`
    ERASURE = "SELECT id, digest, user, requested_by, requested_at, finished_at, threads, runs, memories, items FROM erasures
        WHERE id = ?";
    /// `receipts`
    ERASURES = "SELECT id, digest, user, requested_by, requested_at, finished_at, threads, runs, memories, items FROM erasures
        WHERE id < ? ORDER BY id DESC LIMIT ?";
    /// `last_of`: that is to have taken along what was there then.
    LAST_OF_USER = "SELECT id, requested_at FROM erasures WHERE digest = ? AND requested_at >= ? ORDER BY requested_at LIMIT 1";
    /// `has_any`
    ANY_ERASURE = "SELECT 1 FROM erasures LIMIT 1";
    /// `threads_of`: threads and runs of a person that were there by then, but runs of threads that are gone, and what is in threads
    /// in which somebody is held.
    ENTRIES_OF_USER = "SELECT id FROM entries e WHERE kind = ? AND user = ? AND created_at <= ?
        AND NOT EXISTS (SELECT 1 FROM entries t WHERE t.id = substr(e.id, 1, 32) AND t.kind = 2)
        AND (NOT EXISTS (SELECT 1 FROM legal_holds) OR NOT EXISTS (SELECT 1 FROM entries r CROSS JOIN legal_holds h
            ON h.user = r.user WHERE r.id >= substr(e.id, 1, 32) AND r.id < substr(e.id, 1, 32) || 'g'))
        ORDER BY created_at, id LIMIT ?";
    /// `is_kept`: something of a person that was there by then, and is kept for somebody else who is held.
    KEPT_OF_USER = "SELECT 1 FROM entries e WHERE kind IN (0, 1, 5) AND user = ? AND created_at <= ?
        AND NOT EXISTS (SELECT 1 FROM entries t WHERE t.id = substr(e.id, 1, 32) AND t.kind = 2)
        AND EXISTS (SELECT 1 FROM legal_holds) AND EXISTS (SELECT 1 FROM entries r CROSS JOIN legal_holds h
            ON h.user = r.user WHERE r.id >= substr(e.id, 1, 32) AND r.id < substr(e.id, 1, 32) || 'g')
        LIMIT 1";
    /// `unname`: a person's runs in a thread.
    RUNS_OF_USER = "SELECT id FROM entries WHERE id > ? AND id < ? AND user = ? AND created_at <= ? ORDER BY id LIMIT 500";
    /// `hold`
    INSERT_HOLD = "INSERT INTO legal_holds (user, reason, placed_by, placed_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (user) DO UPDATE SET reason = excluded.reason";
    /// `release`
    DELETE_HOLD = "DELETE FROM legal_holds WHERE user = ?";
    /// `held`
    READ_HOLD = "SELECT user, reason, placed_by, placed_at FROM legal_holds WHERE user = ?";
    /// `holds`
    HOLDS_BEHIND = "SELECT user, reason, placed_by, placed_at FROM legal_holds WHERE user > ? ORDER BY user LIMIT ?";
    /// `is_thread_held`: the thread's own row and its runs'.
    HELD_IN_THREAD = "SELECT 1 FROM entries e JOIN legal_holds h ON h.user = e.user WHERE e.id >= ? AND e.id < ? LIMIT 1";
    /// `due`: of all agents.
    OLD_THREADS = "SELECT id FROM entries e INDEXED BY threads_by_update WHERE kind = 0 AND updated_at < ? AND status = 'idle'
        AND (NOT EXISTS (SELECT 1 FROM legal_holds) OR NOT EXISTS (SELECT 1 FROM entries r CROSS JOIN legal_holds h
            ON h.user = r.user WHERE r.id >= e.id AND r.id < e.id || 'g'))
        ORDER BY updated_at, id LIMIT ?";
    /// `due`: of one.
    OLD_THREADS_OF_AGENT = "SELECT id FROM entries e WHERE kind = 0 AND agent = ? AND updated_at < ? AND status = 'idle'
        AND (NOT EXISTS (SELECT 1 FROM legal_holds) OR NOT EXISTS (SELECT 1 FROM entries r CROSS JOIN legal_holds h
            ON h.user = r.user WHERE r.id >= e.id AND r.id < e.id || 'g'))
        ORDER BY updated_at, id LIMIT ?";
}

/// Above every id.
const LAST: &str = "g";

/// One that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub id: ErasureId,
    pub user: String,
    pub requested_at: Millis,
}

/// # Errors
/// [`Error`], here and below when SQLite refuses, or a row is not what this code writes.
pub fn insert(sql: &impl Sql, receipt: &Receipt, user: &str) -> Result<(), Error> {
    let Receipt { id, user_digest, requested_by, requested_at, .. } = receipt;
    let values = [
        Value::Text(id.to_string()),
        text(user_digest),
        text(user),
        text(requested_by),
        Value::Integer(requested_at.0),
    ];
    sql.query(&INSERT_ERASURE, &values).map(drop)
}

/// # Errors
/// [`Error`].
pub fn count(sql: &impl Sql, id: ErasureId, counts: [u32; 4]) -> Result<(), Error> {
    let [threads, runs, memories, items] = counts.map(|count| Value::Integer(count.into()));
    sql.query(&COUNT_ERASED, &[threads, runs, memories, items, Value::Text(id.to_string())]).map(drop)
}

/// All is gone, the name too.
///
/// # Errors
/// [`Error`].
pub fn finish(sql: &impl Sql, id: ErasureId, now: Millis) -> Result<(), Error> {
    sql.query(&FINISH_ERASURE, &[Value::Integer(now.0), Value::Text(id.to_string())]).map(drop)
}

/// Something came late that was to be gone.
///
/// # Errors
/// [`Error`].
pub fn reopen(sql: &impl Sql, id: ErasureId, user: &str) -> Result<(), Error> {
    sql.query(&REOPEN_ERASURE, &[text(user), Value::Text(id.to_string())]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn running(sql: &impl Sql, most: u32) -> Result<Vec<Running>, Error> {
    let read = |row: &Vec<Value>| {
        let mut columns = Columns::of(row);
        Ok(Running {
            id: columns.parsed(ErasureId::parse)?,
            user: columns.text()?.to_owned(),
            requested_at: Millis(columns.integer()?),
        })
    };
    sql.query(&RUNNING_ERASURES, &[Value::Integer(most.into())])?.iter().map(read).collect()
}

fn receipt_of(row: &[Value]) -> Result<(Receipt, Option<String>), Error> {
    let mut columns = Columns::of(row);
    let (id, user_digest) = (columns.parsed(ErasureId::parse)?, columns.text()?.to_owned());
    let user = columns.optional_text()?.map(str::to_owned);
    let receipt = Receipt {
        id,
        user_digest,
        status: if user.is_some() { Status::Running } else { Status::Done },
        requested_by: columns.text()?.to_owned(),
        requested_at: Millis(columns.integer()?),
        finished_at: columns.optional_integer()?.map(Millis).filter(|_| user.is_none()),
        threads: columns.number()?,
        runs: columns.number()?,
        memories: columns.number()?,
        items: columns.number()?,
    };
    Ok((receipt, user))
}

fn shown(sql: &impl Sql, row: &[Value]) -> Result<Receipt, Error> {
    let (mut receipt, user) = receipt_of(row)?;
    if let Some(user) = user.filter(|_| receipt.status == Status::Running)
        && (held(sql, &user)?.is_some()
            || threads_of(sql, &user, receipt.requested_at, 1)?.is_empty()
                && is_kept(sql, &user, receipt.requested_at)?)
    {
        receipt.status = Status::Held;
    }
    Ok(receipt)
}

/// # Errors
/// [`Error`].
pub fn receipt(sql: &impl Sql, id: ErasureId) -> Result<Option<Receipt>, Error> {
    let rows = sql.query(&ERASURE, &[Value::Text(id.to_string())])?;
    rows.first().map(|row| shown(sql, row)).transpose()
}

/// # Errors
/// [`Error`].
pub fn receipts(sql: &impl Sql, after: Option<ErasureId>, most: u32) -> Result<Vec<Receipt>, Error> {
    let after = after.map_or_else(|| LAST.to_owned(), |id| id.to_string());
    let rows = sql.query(&ERASURES, &[Value::Text(after), Value::Integer(most.into())])?;
    rows.iter().map(|row| shown(sql, row)).collect()
}

/// The erasure that was to take along what this person had at a moment, and when it was asked for.
///
/// # Errors
/// [`Error`].
pub fn last_of(sql: &impl Sql, digest: &str, there_at: Millis) -> Result<Option<(ErasureId, Millis)>, Error> {
    let rows = sql.query(&LAST_OF_USER, &[text(digest), Value::Integer(there_at.0)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    Ok(Some((columns.parsed(ErasureId::parse)?, Millis(columns.integer()?))))
}

/// Whether anybody was ever erased here.
///
/// # Errors
/// [`Error`].
pub fn has_any(sql: &impl Sql) -> Result<bool, Error> {
    Ok(!sql.query(&ANY_ERASURE, &[])?.is_empty())
}

/// Threads in which there is something of a person that was there by then, at most so many; as the index names them.
///
/// # Errors
/// [`Error`].
pub fn threads_of(sql: &impl Sql, user: &str, until: Millis, most: u32) -> Result<Vec<String>, Error> {
    let mut threads = Vec::new();
    for is in [Is::Thread, Is::Run, Is::Hidden, Is::Kept, Is::Voice] {
        let values =
            [Value::Integer(is.number()), text(user), Value::Integer(until.0), Value::Integer(most.into())];
        for row in sql.query(&ENTRIES_OF_USER, &values)? {
            let id = Columns::of(&row).text()?.to_owned();
            let thread = id.get(..THREAD_DIGITS).unwrap_or(&id).to_owned();
            if !threads.contains(&thread) {
                threads.push(thread);
            }
        }
    }
    threads.truncate(most as usize);
    Ok(threads)
}

/// Whether something of a person that was there by then is kept for somebody else, who is held.
///
/// # Errors
/// [`Error`].
pub fn is_kept(sql: &impl Sql, user: &str, until: Millis) -> Result<bool, Error> {
    Ok(!sql.query(&KEPT_OF_USER, &[text(user), Value::Integer(until.0)])?.is_empty())
}

/// The runs of a person in a thread that were there by then lose their name, and nobody hears of them any more: 500 at once, the
/// others when they are looked for again.
///
/// # Errors
/// [`Error`].
pub fn unname(sql: &impl Sql, thread: &str, user: &str, until: Millis) -> Result<(), Error> {
    let behind = format!("{thread}{LAST}");
    let those = [text(thread), Value::Text(behind), text(user), Value::Integer(until.0)];
    for found in sql.query(&RUNS_OF_USER, &those)? {
        let id = Columns::of(&found).text()?.to_owned();
        notices::forget_run(sql, &id)?;
        let Some(before) = row(sql, &id)? else { continue };
        if before.is == Is::Voice {
            delete(sql, &id)?;
            continue;
        }
        let mut shown: serde_json::Value = serde_json::from_str(&before.shown).unwrap_or_default();
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("user".to_owned(), serde_json::Value::Null);
        }
        let after = Row { user: None, shown: shown.to_string(), ..before.clone() };
        put(sql, Some(&before), &after)?;
    }
    Ok(())
}

/// # Errors
/// [`Error`].
pub fn hold(sql: &impl Sql, hold: &Hold) -> Result<(), Error> {
    let Hold { user, reason, placed_by, placed_at } = hold;
    let values = [text(user), optional(reason.as_ref()), text(placed_by), Value::Integer(placed_at.0)];
    sql.query(&INSERT_HOLD, &values).map(drop)
}

/// # Errors
/// [`Error`].
pub fn release(sql: &impl Sql, user: &str) -> Result<(), Error> {
    sql.query(&DELETE_HOLD, &[text(user)]).map(drop)
}

fn hold_of(row: &[Value]) -> Result<Hold, Error> {
    let mut columns = Columns::of(row);
    Ok(Hold {
        user: columns.text()?.to_owned(),
        reason: columns.optional_text()?.map(str::to_owned),
        placed_by: columns.text()?.to_owned(),
        placed_at: Millis(columns.integer()?),
    })
}

/// The hold of a person.
///
/// # Errors
/// [`Error`].
pub fn held(sql: &impl Sql, user: &str) -> Result<Option<Hold>, Error> {
    sql.query(&READ_HOLD, &[text(user)])?.first().map(|row| hold_of(row)).transpose()
}

/// # Errors
/// [`Error`].
pub fn holds(sql: &impl Sql, after: &str, most: u32) -> Result<Vec<Hold>, Error> {
    let rows = sql.query(&HOLDS_BEHIND, &[text(after), Value::Integer(most.into())])?;
    rows.iter().map(|row| hold_of(row)).collect()
}

/// Whether a thread is one of a person who is held, or has runs of theirs, or words.
///
/// # Errors
/// [`Error`].
pub fn is_thread_held(sql: &impl Sql, thread: &str) -> Result<bool, Error> {
    let behind = format!("{thread}{LAST}");
    Ok(!sql.query(&HELD_IN_THREAD, &[text(thread), Value::Text(behind)])?.is_empty())
}

/// Threads that nothing has changed since then, of an agent or of all: those first that it is the longest of.
///
/// # Errors
/// [`Error`].
pub fn due(sql: &impl Sql, agent: Option<AgentId>, before: Millis, most: u32) -> Result<Vec<String>, Error> {
    let (before, most) = (Value::Integer(before.0), Value::Integer(most.into()));
    let rows = match agent {
        None => sql.query(&OLD_THREADS, &[before, most])?,
        Some(agent) => sql.query(&OLD_THREADS_OF_AGENT, &[Value::Text(agent.to_string()), before, most])?,
    };
    rows.iter().map(|row| Columns::of(row).text().map(str::to_owned)).collect()
}
