//! The dispatch object's tables.

pub mod claims;
pub mod erasures;
pub mod learned;
mod lists;
pub mod notices;
pub mod places;
mod schema;
pub mod threads;

pub use lists::page;
pub use schema::STEPS;
pub use threads::{overdue, postpone, threads_behind};

use crate::domain::dispatch::entry::{Entry, Kind, terms};
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::{Query, queries};

queries! {
    /// `row`
    READ_ENTRY = "SELECT kind, version, agent, status, user, labels, created_at, updated_at, shown, due_at, heard_wait,
        bytes FROM entries WHERE id = ?";
    /// `put`
    WRITE_ENTRY = "INSERT INTO entries (id, kind, version, agent, status, user, labels, created_at, updated_at, shown,
        due_at, heard_wait, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, version = excluded.version, agent = excluded.agent,
        status = excluded.status, user = excluded.user, labels = excluded.labels, created_at = excluded.created_at,
        updated_at = excluded.updated_at, shown = excluded.shown, due_at = excluded.due_at,
        heard_wait = excluded.heard_wait, bytes = excluded.bytes";
    /// `put`
    WRITE_LABEL = "INSERT OR IGNORE INTO labels (kind, label, created_at, id) VALUES (?, ?, ?, ?)";
    /// `put`, `empty`
    DELETE_LABEL = "DELETE FROM labels WHERE kind = ? AND label = ? AND created_at = ? AND id = ?";
    /// `empty`: runs of a thread.
    RUNS_OF = "SELECT id, labels, created_at, kind = 3 OR kind = 1 AND status IN ('queued', 'in_progress', 'waiting', 'paused') FROM entries WHERE id > ? AND id < ? ORDER BY id LIMIT ?";
    /// `has_more_than`
    RUN_BEHIND = "SELECT 1 FROM entries WHERE id > ? AND id < ? LIMIT 1 OFFSET ?";
    /// `empty`
    DELETE_ENTRY = "DELETE FROM entries WHERE id = ?";
    /// `leaving`
    LEAVING = "SELECT id FROM entries WHERE kind = 2 AND status = 'leaving'";
    /// `oldest_gone`
    OLDEST_GONE = "SELECT created_at FROM entries WHERE kind = 2 AND status = 'gone' ORDER BY created_at LIMIT 1";
    /// `forget`
    DELETE_GONE = "DELETE FROM entries WHERE id IN (SELECT id FROM entries
        WHERE kind = 2 AND status = 'gone' AND created_at < ? ORDER BY created_at LIMIT 1000)";
}

/// Every statement on a dispatch object's tables.
pub(super) fn all() -> impl Iterator<Item = &'static Query> {
    let more = [
        lists::QUERIES,
        learned::QUERIES,
        notices::QUERIES,
        threads::QUERIES,
        claims::QUERIES,
        places::QUERIES,
        erasures::QUERIES,
    ];
    QUERIES.iter().chain(more.into_iter().flatten())
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    Thread,
    Run,
    /// A thread that was deleted; whether runs of it are still to be removed.
    Gone {
        is_leaving: bool,
    },
    /// A run that counts, of a thread that is made for one call.
    Hidden,
    /// A run of a thread that is made for one call and kept for a while.
    Kept,
    /// Somebody who has spoken in runs of others.
    Voice,
}

impl Is {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Thread => 0,
            Self::Run => 1,
            Self::Gone { .. } => 2,
            Self::Hidden => 3,
            Self::Kept => 4,
            Self::Voice => 5,
        }
    }
}

impl From<Kind> for Is {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Thread => Self::Thread,
            Kind::Run => Self::Run,
        }
    }
}

/// A row of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub is: Is,
    pub version: u64,
    pub agent: String,
    pub status: String,
    pub user: Option<String>,
    pub labels: Vec<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub shown: String,
    /// Of a thread.
    pub due_at: Option<Millis>,
    /// Of a run, the number of its last wait that webhooks have heard of.
    pub heard_wait: u32,
    /// Of a thread: what is said in it.
    pub bytes: u64,
}

impl Row {
    pub fn of(
        id: String,
        is: Is,
        version: u64,
        entry: &Entry,
        user: Option<&String>,
        labels: &[String],
    ) -> Self {
        Self {
            id,
            is,
            version,
            agent: entry.agent.to_string(),
            status: entry.status.clone(),
            user: entry.user.as_ref().or(user).cloned(),
            labels: labels.to_vec(),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
            shown: entry.shown.clone(),
            due_at: None,
            heard_wait: 0,
            bytes: 0,
        }
    }

    /// What is left of a deleted thread.
    pub fn gone(id: String, version: u64, at: Millis, is_leaving: bool) -> Self {
        Self {
            id,
            is: Is::Gone { is_leaving },
            version,
            agent: String::new(),
            status: if is_leaving { "leaving" } else { "gone" }.to_owned(),
            user: None,
            labels: Vec::new(),
            created_at: at,
            updated_at: at,
            shown: String::new(),
            due_at: None,
            heard_wait: 0,
            bytes: 0,
        }
    }
}

/// As the index names a voice in a thread: among the thread's runs.
pub fn voice_id(thread: &str, number: u32) -> String {
    format!("{thread}:{number:08x}")
}

/// The digits of a thread's key in its own name and in those of its runs.
pub const THREAD_DIGITS: usize = 32;

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn optional(value: Option<&String>) -> Value {
    value.map_or(Value::Null, |value| text(value))
}

fn labels_of(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

/// The row of this id.
///
/// # Errors
/// [`Error`]; here and below when SQLite refuses, or a row is not what this code writes.
pub fn row(sql: &impl Sql, id: &str) -> Result<Option<Row>, Error> {
    let rows = sql.query(&READ_ENTRY, &[text(id)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    let kind = columns.integer()?;
    let (version, agent, status) =
        (columns.number()?, columns.text()?.to_owned(), columns.text()?.to_owned());
    let is = match kind {
        0 => Is::Thread,
        1 => Is::Run,
        3 => Is::Hidden,
        4 => Is::Kept,
        5 => Is::Voice,
        _ => Is::Gone { is_leaving: status == "leaving" },
    };
    Ok(Some(Row {
        id: id.to_owned(),
        is,
        version,
        agent,
        status,
        user: columns.optional_text()?.map(str::to_owned),
        labels: columns.parsed(labels_of)?,
        created_at: Millis(columns.integer()?),
        updated_at: Millis(columns.integer()?),
        shown: columns.text()?.to_owned(),
        due_at: columns.optional_integer()?.map(Millis),
        heard_wait: columns.number()?,
        bytes: columns.number()?,
    }))
}

/// Writes a row in place of what was there.
///
/// # Errors
/// [`Error`].
pub fn put(sql: &impl Sql, before: Option<&Row>, row: &Row) -> Result<(), Error> {
    let place = |row: &Row| (row.is, row.created_at);
    let before = before.map(|before| (before, terms(&before.labels)));
    let wanted = terms(&row.labels);
    let stays = |term: &str| {
        before.as_ref().is_some_and(|(before, had)| place(before) == place(row) && had.contains(term))
    };
    if let Some((before, had)) = &before {
        let is_left = |term: &&&str| !(stays(term) && wanted.contains(**term));
        had.iter().filter(is_left).try_for_each(|term| delete_label(sql, before.is, term, before))?;
    }
    for term in wanted.iter().filter(|term| !stays(term)) {
        sql.query(&WRITE_LABEL, &label(row.is, term, row.created_at, &row.id))?;
    }
    let labels = serde_json::to_string(&row.labels).map_err(|error| Error::Storage(error.to_string()))?;
    let values = [
        text(&row.id),
        Value::Integer(row.is.number()),
        integer(row.version),
        text(&row.agent),
        text(&row.status),
        optional(row.user.as_ref()),
        Value::Text(labels),
        Value::Integer(row.created_at.0),
        Value::Integer(row.updated_at.0),
        text(&row.shown),
        row.due_at.map_or(Value::Null, |at| Value::Integer(at.0)),
        Value::Integer(row.heard_wait.into()),
        integer(row.bytes),
    ];
    sql.query(&WRITE_ENTRY, &values).map(drop)
}

fn label(is: Is, term: &str, created_at: Millis, id: &str) -> [Value; 4] {
    [Value::Integer(is.number()), text(term), Value::Integer(created_at.0), text(id)]
}

fn delete_label(sql: &impl Sql, is: Is, term: &str, row: &Row) -> Result<(), Error> {
    sql.query(&DELETE_LABEL, &label(is, term, row.created_at, &row.id)).map(drop)
}

/// Removes an entry without labels.
///
/// # Errors
/// [`Error`].
pub fn delete(sql: &impl Sql, id: &str) -> Result<(), Error> {
    sql.query(&DELETE_ENTRY, &[text(id)]).map(drop)
}

/// Removes runs of a thread, at most so many; whether there may be more, and how many were not over.
///
/// # Errors
/// [`Error`].
pub fn empty(sql: &impl Sql, thread: &str, most: u32) -> Result<(bool, u64), Error> {
    let mut open = 0;
    // Behind the digits of every run's number.
    let behind = format!("{thread}g");
    let rows = sql.query(&RUNS_OF, &[text(thread), Value::Text(behind), Value::Integer(most.into())])?;
    for row in &rows {
        let mut columns = Columns::of(row);
        let (id, labels) = (columns.text()?, columns.parsed(labels_of)?);
        let created_at = Millis(columns.integer()?);
        open += columns.number::<u64>()?;
        for term in terms(&labels) {
            sql.query(&DELETE_LABEL, &label(Is::Run, term, created_at, id))?;
        }
        sql.query(&DELETE_ENTRY, &[text(id)])?;
    }
    Ok((rows.len() >= most as usize, open))
}

/// Whether the index has more than so many runs of a thread.
///
/// # Errors
/// [`Error`].
pub fn has_more_than(sql: &impl Sql, thread: &str, most: u32) -> Result<bool, Error> {
    let behind = Value::Text(format!("{thread}g"));
    sql.query(&RUN_BEHIND, &[text(thread), behind, Value::Integer(most.into())]).map(|rows| !rows.is_empty())
}

/// The deleted threads whose runs are still to be removed.
///
/// # Errors
/// [`Error`].
pub fn leaving(sql: &impl Sql) -> Result<Vec<String>, Error> {
    let rows = sql.query(&LEAVING, &[])?;
    rows.iter().map(|row| Columns::of(row).text().map(str::to_owned)).collect()
}

/// When the first of the deleted threads that are still known was deleted.
///
/// # Errors
/// [`Error`].
pub fn oldest_gone(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    let rows = sql.query(&OLDEST_GONE, &[])?;
    rows.first().map(|row| Columns::of(row).integer().map(Millis)).transpose()
}

/// Forgets threads that were deleted before this moment, at most 1,000.
///
/// # Errors
/// [`Error`].
pub fn forget(sql: &impl Sql, before: Millis) -> Result<(), Error> {
    sql.query(&DELETE_GONE, &[Value::Integer(before.0)]).map(drop)
}
