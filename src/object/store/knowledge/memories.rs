//! Memories, and the words by which they are found.

use crate::domain::ids::MemoryId;
use crate::domain::memory::words::indexed;
use crate::domain::memory::{Memory, Status};
use crate::domain::thread::once::Hash;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `totals`
    READ_MEMORY_TOTALS = "SELECT next, memories, bytes, last_gone, version FROM memory_totals WHERE id = 1";
    /// `write_totals`
    WRITE_MEMORY_TOTALS = "INSERT INTO memory_totals (id, next, memories, bytes, last_gone, version) VALUES (1, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET next = excluded.next, memories = excluded.memories, bytes = excluded.bytes,
        last_gone = excluded.last_gone, version = excluded.version";
    /// `memory`
    READ_MEMORY = "SELECT number, text, words, body FROM memories WHERE id = ?";
    /// `of_text`
    MEMORY_OF_TEXT = "SELECT number, text, words, body FROM memories WHERE digest = ? AND status = 'active'
        ORDER BY number LIMIT 1";
    /// `predecessors`
    MEMORY_PREDECESSORS = "SELECT number, text, words, body FROM memories WHERE successor = ? ORDER BY number LIMIT ?";
    /// `newest`
    NEWEST_MEMORIES = "SELECT number, text, words, body FROM memories WHERE number < ? ORDER BY number DESC LIMIT ?";
    /// `outlines`: one that cannot be read is as old as time.
    MEMORY_OUTLINES = "SELECT number, length(CAST(text AS BLOB)) + coalesce(length(CAST(words AS BLOB)), 0) + length(CAST(body AS BLOB)),
        CASE WHEN json_valid(body) THEN coalesce(json_extract(body, '$.created_at'), 0) ELSE 0 END FROM memories ORDER BY number";
    /// `newest`
    NEWEST_MEMORIES_OF_STATUS = "SELECT number, text, words, body FROM memories WHERE number < ? AND status = ?3
        ORDER BY number DESC LIMIT ?2";
    /// `found`
    FIND_MEMORIES = "SELECT m.number, m.text, m.words, m.body
        FROM memory_words CROSS JOIN memories m ON m.number = memory_words.rowid
        WHERE memory_words MATCH ?1 AND (?2 IS NULL OR m.status = ?2) ORDER BY memory_words.rank LIMIT ?3 OFFSET ?4";
    /// `found`: the newest first, where all words are too common for a rank.
    FIND_NEWEST_MEMORIES = "SELECT m.number, m.text, m.words, m.body
        FROM memory_words CROSS JOIN memories m ON m.number = memory_words.rowid
        WHERE memory_words MATCH ?1 AND (?2 IS NULL OR m.status = ?2) ORDER BY memory_words.rowid DESC LIMIT ?3 OFFSET ?4";
    /// `frequencies`
    COUNT_MEMORIES_OF_WORDS = "SELECT value, (SELECT count(*) FROM
        (SELECT rowid FROM memory_words WHERE memory_words MATCH value LIMIT ?2)) FROM json_each(?1)";
    /// `insert`
    INSERT_MEMORY = "INSERT INTO memories (number, id, status, successor, digest, text, words, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    /// `update`
    UPDATE_MEMORY = "UPDATE memories SET status = ?2, successor = ?3, digest = ?4, text = ?5, words = ?6, body = ?7
        WHERE number = ?1";
    /// `delete`
    DELETE_MEMORY = "DELETE FROM memories WHERE number = ?";
    /// `insert`, `update`
    INDEX_MEMORY = "INSERT INTO memory_words (rowid, text)
        SELECT number, coalesce(words, text) FROM memories WHERE number = ?";
    /// `update`, `delete`
    UNINDEX_MEMORY = "INSERT INTO memory_words (memory_words, rowid, text)
        SELECT 'delete', number, coalesce(words, text) FROM memories WHERE number = ?";
    /// `index_all`
    INDEX_ALL_MEMORIES = "INSERT INTO memory_words (rowid, text) SELECT number, coalesce(words, text) FROM memories";
    /// `is_gone`
    READ_MEMORY_GONE = "SELECT at FROM memory_gone WHERE id = ?";
    /// `note_gone`
    WRITE_MEMORY_GONE = "INSERT INTO memory_gone (id, at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
    /// `forget_gone`
    FORGET_MEMORIES_GONE = "DELETE FROM memory_gone WHERE at <= ?";
    /// `erase`
    DELETE_ALL_MEMORIES = "DELETE FROM memories";
    /// `erase`
    DELETE_ALL_MEMORY_WORDS = "INSERT INTO memory_words (memory_words) VALUES ('delete-all')";
    /// `erase`
    DELETE_ALL_MEMORIES_GONE = "DELETE FROM memory_gone";
}

/// What an object has of memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// The number of the next memory.
    pub next: u64,
    pub memories: u64,
    pub bytes: u64,
    /// When the last one was deleted of which the id is known; 0: none.
    pub last_gone: Millis,
    /// Grows with each write.
    pub version: u64,
}

impl Default for Totals {
    fn default() -> Self {
        Self { next: 1, memories: 0, bytes: 0, last_gone: Millis(0), version: 0 }
    }
}

/// A memory's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub number: u64,
    pub memory: Memory,
    /// Of the row's texts.
    pub bytes: u64,
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn digest(text: &str) -> Value {
    Value::Text(Hash::of(&[text.as_bytes()]).to_string())
}

fn read(row: &[Value]) -> Result<Kept, Error> {
    let mut columns = Columns::of(row);
    let number = columns.number()?;
    let (text, words, body) = (columns.text()?, columns.optional_text()?, columns.text()?);
    let memory: Memory = serde_json::from_str(body)
        .map_err(|error| Error::Decode(format!("memory {number} cannot be read: {error}")))?;
    let bytes = (text.len() + words.map_or(0, str::len) + body.len()) as u64;
    Ok(Kept { number, memory: Memory { text: text.to_owned(), ..memory }, bytes })
}

fn first(rows: &[Vec<Value>]) -> Result<Option<Kept>, Error> {
    rows.first().map(|row| read(row)).transpose()
}

/// # Errors
/// [`Error`]; here and below when SQLite refuses, or a row is not what this code writes.
pub fn totals(sql: &impl Sql) -> Result<Totals, Error> {
    let rows = sql.query(&READ_MEMORY_TOTALS, &[])?;
    let Some(row) = rows.first() else { return Ok(Totals::default()) };
    let mut columns = Columns::of(row);
    Ok(Totals {
        next: columns.number()?,
        memories: columns.number()?,
        bytes: columns.number()?,
        last_gone: Millis(columns.integer()?),
        version: columns.number()?,
    })
}

/// # Errors
/// [`Error`].
pub fn write_totals(sql: &impl Sql, totals: &Totals) -> Result<(), Error> {
    let values = [
        totals.next.into(),
        totals.memories.into(),
        totals.bytes.into(),
        Value::Integer(totals.last_gone.0),
        totals.version.into(),
    ];
    sql.query(&WRITE_MEMORY_TOTALS, &values).map(drop)
}

/// # Errors
/// [`Error`].
pub fn memory(sql: &impl Sql, id: MemoryId) -> Result<Option<Kept>, Error> {
    first(&sql.query(&READ_MEMORY, &[text(&id.to_string())])?)
}

/// The active memory of this text.
///
/// # Errors
/// [`Error`].
pub fn of_text(sql: &impl Sql, of: &str) -> Result<Option<Kept>, Error> {
    let kept = first(&sql.query(&MEMORY_OF_TEXT, &[digest(of)])?)?;
    Ok(kept.filter(|kept| kept.memory.text == of))
}

/// Those that this one took the place of.
///
/// # Errors
/// [`Error`].
pub fn predecessors(sql: &impl Sql, id: MemoryId, most: u32) -> Result<Vec<Kept>, Error> {
    sql.query(&MEMORY_PREDECESSORS, &[text(&id.to_string()), Value::Integer(most.into())])?
        .iter()
        .map(|row| read(row))
        .collect()
}

/// Of each memory its number, its bytes and when it was made, without what it says.
///
/// # Errors
/// [`Error`].
pub fn outlines(sql: &impl Sql) -> Result<Vec<(u64, u64, Millis)>, Error> {
    let read = |row: &Vec<Value>| {
        let mut columns = Columns::of(row);
        Ok((columns.number()?, columns.number()?, Millis(columns.integer()?)))
    };
    sql.query(&MEMORY_OUTLINES, &[])?.iter().map(read).collect()
}

/// At most so many below a number, newest first.
///
/// # Errors
/// [`Error`].
pub fn newest(sql: &impl Sql, status: Option<Status>, before: u64, limit: u32) -> Result<Vec<Kept>, Error> {
    let mut values = vec![before.into(), limit.into()];
    let query = match status {
        None => &NEWEST_MEMORIES,
        Some(status) => {
            values.push(text(status.name()));
            &NEWEST_MEMORIES_OF_STATUS
        }
    };
    sql.query(query, &values)?.iter().map(|row| read(row)).collect()
}

/// How many memories have each of these words, counted up to so many.
///
/// # Errors
/// [`Error`].
pub fn frequencies(sql: &impl Sql, words: &[String], most: u64) -> Result<Vec<(u64, String)>, Error> {
    let words = serde_json::to_string(words).map_err(|error| Error::Storage(error.to_string()))?;
    let read = |row: &Vec<Value>| {
        let mut columns = Columns::of(row);
        let word = columns.text()?.to_owned();
        Ok((columns.number()?, word))
    };
    sql.query(&COUNT_MEMORIES_OF_WORDS, &[Value::Text(words), most.into()])?.iter().map(read).collect()
}

/// In which order memories are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By bm25. It costs as much as the words are common.
    Best,
    Newest,
}

/// At most so many that this expression of FTS5 finds, behind the first so many.
///
/// # Errors
/// [`Error`].
pub fn found(
    sql: &impl Sql,
    (expression, order): (&str, Order),
    status: Option<Status>,
    limit: u32,
    behind: u64,
) -> Result<Vec<Kept>, Error> {
    let status = status.map_or(Value::Null, |status| text(status.name()));
    let values = [text(expression), status, limit.into(), behind.into()];
    let query = match order {
        Order::Best => &FIND_MEMORIES,
        Order::Newest => &FIND_NEWEST_MEMORIES,
    };
    sql.query(query, &values)?.iter().map(|row| read(row)).collect()
}

/// The columns behind the number and the id, and the bytes of their texts.
fn columns(memory: &Memory) -> Result<([Value; 6], u64), Error> {
    let body = Memory { text: String::new(), ..memory.clone() };
    let body = serde_json::to_string(&body).map_err(|error| Error::Storage(error.to_string()))?;
    let words = Some(indexed(&memory.text)).filter(|words| *words != memory.text);
    let bytes = memory.text.len() + words.as_ref().map_or(0, |words| words.len()) + body.len();
    let columns = [
        text(memory.status.name()),
        memory.superseded_by.map(|id| id.to_string()).into(),
        digest(&memory.text),
        text(&memory.text),
        words.map(std::borrow::Cow::into_owned).into(),
        Value::Text(body),
    ];
    Ok((columns, bytes as u64))
}

/// Writes a new row; its bytes.
///
/// # Errors
/// [`Error`].
pub fn insert(sql: &impl Sql, number: u64, memory: &Memory) -> Result<u64, Error> {
    let (columns, bytes) = columns(memory)?;
    let mut values = vec![number.into(), text(&memory.id.to_string())];
    values.extend(columns);
    sql.query(&INSERT_MEMORY, &values)?;
    sql.query(&INDEX_MEMORY, &[number.into()])?;
    Ok(bytes)
}

/// Writes a row anew; its bytes.
///
/// # Errors
/// [`Error`].
pub fn update(sql: &impl Sql, number: u64, memory: &Memory, is_other_text: bool) -> Result<u64, Error> {
    let (columns, bytes) = columns(memory)?;
    if is_other_text {
        sql.query(&UNINDEX_MEMORY, &[number.into()])?;
    }
    let mut values = vec![number.into()];
    values.extend(columns);
    sql.query(&UPDATE_MEMORY, &values)?;
    if is_other_text {
        sql.query(&INDEX_MEMORY, &[number.into()])?;
    }
    Ok(bytes)
}

/// # Errors
/// [`Error`].
pub fn delete(sql: &impl Sql, number: u64) -> Result<(), Error> {
    sql.query(&UNINDEX_MEMORY, &[number.into()])?;
    sql.query(&DELETE_MEMORY, &[number.into()]).map(drop)
}

/// Whether a memory of this id was deleted a short time ago.
///
/// # Errors
/// [`Error`].
pub fn is_gone(sql: &impl Sql, id: MemoryId) -> Result<bool, Error> {
    Ok(!sql.query(&READ_MEMORY_GONE, &[text(&id.to_string())])?.is_empty())
}

/// # Errors
/// [`Error`].
pub fn note_gone(sql: &impl Sql, id: MemoryId, at: Millis) -> Result<(), Error> {
    sql.query(&WRITE_MEMORY_GONE, &[text(&id.to_string()), Value::Integer(at.0)]).map(drop)
}

/// Forgets what was deleted until this moment.
///
/// # Errors
/// [`Error`].
pub fn forget_gone(sql: &impl Sql, until: Millis) -> Result<(), Error> {
    sql.query(&FORGET_MEMORIES_GONE, &[Value::Integer(until.0)]).map(drop)
}

/// Deletes every row.
///
/// # Errors
/// [`Error`].
pub fn erase(sql: &impl Sql) -> Result<(), Error> {
    [DELETE_ALL_MEMORIES, DELETE_ALL_MEMORY_WORDS, DELETE_ALL_MEMORIES_GONE]
        .iter()
        .try_for_each(|query| sql.query(query, &[]).map(drop))
}

/// Makes the index of words of all memories, where there is none.
///
/// # Errors
/// [`Error`].
pub fn index_all(sql: &impl Sql) -> Result<(), Error> {
    sql.query(&INDEX_ALL_MEMORIES, &[]).map(drop)
}
