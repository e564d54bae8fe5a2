//! The thread object's tables.

mod blank;
mod items;
mod journal;
mod keys;
mod schema;
mod voices;

pub use blank::{blank, blank_runs, runs_of_user};
pub use items::{
    Part, between, bytes, delete_item, delete_summaries, items, last_item, messages_between, place_until,
    position_of, run_before, size_between, sized_items, summary_until, take_back, write_item,
};
pub use journal::{delete_steps, forget_steps, steps, steps_until, write_step};
pub use keys::{Key, empty_keys, forget_keys, key, oldest_key, write_key};
pub use schema::STEPS;
pub use voices::{Hush, hush, last_voice, said_by, speaker_of, voice, voice_of, write_voice};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::run::event::Numbered;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::{Query, queries};

queries! {
    /// `thread`
    READ_THREAD = "SELECT body FROM thread WHERE id = 1";
    /// `write_thread`
    WRITE_THREAD = "INSERT INTO thread (id, body) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    /// `run`
    READ_RUN = "SELECT body FROM runs WHERE number = ?";
    /// `write_run`
    WRITE_RUN = "INSERT INTO runs (number, body) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET body = excluded.body";
    /// `write_events`
    WRITE_EVENTS = "INSERT INTO events (position, at, events) VALUES (?, ?, ?)";
    /// `events`: how much they are, before any of it is read.
    EVENT_SIZES = "SELECT position, octet_length(events) FROM events WHERE position > ? ORDER BY position LIMIT ?";
    /// `events`
    EVENTS_BETWEEN = "SELECT events FROM events WHERE position > ? AND position <= ? ORDER BY position";
    /// `last_events`
    LAST_EVENTS = "SELECT events FROM events ORDER BY position DESC LIMIT 50";
    /// `last_event`
    LAST_EVENT = "SELECT position FROM events ORDER BY position DESC LIMIT 1";
    /// `forget_events`: the oldest rows from before a moment, but never the last one of all.
    OLD_EVENTS = "SELECT coalesce(max(position), 0) FROM
        (SELECT position FROM events WHERE at < ? AND position < (SELECT max(position) FROM events)
            ORDER BY position LIMIT 1000)";
    /// `forget_events`
    DELETE_EVENTS = "DELETE FROM events WHERE position <= ?";
    /// `oldest_event`
    OLDEST_EVENT = "SELECT at FROM events WHERE position < (SELECT max(position) FROM events) ORDER BY position LIMIT 1";
    /// `delete_all`
    DELETE_ALL_ITEMS = "DELETE FROM items";
    /// `delete_all`
    DELETE_ALL_PIECES = "DELETE FROM pieces";
    /// `delete_all`
    DELETE_ALL_RUNS = "DELETE FROM runs";
    /// `delete_all`
    DELETE_ALL_EVENTS = "DELETE FROM events";
    /// `delete_all`
    DELETE_ALL_ANSWERS = "DELETE FROM answers";
    /// `delete_all`
    DELETE_ALL_VOICES = "DELETE FROM voices";
    /// `answer`
    READ_ANSWER = "SELECT answer FROM answers WHERE run = ? AND entry = ?";
    /// `write_answer`
    WRITE_ANSWER = "INSERT INTO answers (run, entry, at, answer, voice) VALUES (?, ?, ?, ?, ?)";
}

/// Every statement on a thread's tables.
pub(super) fn all() -> impl Iterator<Item = &'static Query> {
    QUERIES
        .iter()
        .chain(items::all())
        .chain(blank::QUERIES)
        .chain(journal::QUERIES)
        .chain(keys::all())
        .chain(voices::QUERIES)
}

/// The longest text of one row; the platform takes 2 MB.
const MAX_TEXT: usize = 1_500_000;

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn json(thing: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_string(thing).map(Value::Text).map_err(|error| Error::Storage(error.to_string()))
}

fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Decode(format!("{what} cannot be read: {error}")))
}

/// The one value of a query's first row, read as JSON.
fn one<T: DeserializeOwned>(sql: &impl Sql, query: &Query, values: &[Value]) -> Result<Option<T>, Error> {
    let rows = sql.query(query, values)?;
    rows.first().map(|row| read(query.name, Columns::of(row).text()?)).transpose()
}

fn number(sql: &impl Sql, query: &Query) -> Result<Option<u64>, Error> {
    let rows = sql.query(query, &[])?;
    rows.first().map(|row| Columns::of(row).number()).transpose()
}

/// # Errors
/// [`Error`]; here and below when SQLite refuses, or a row is not what this code writes.
pub fn thread<T: DeserializeOwned>(sql: &impl Sql) -> Result<Option<T>, Error> {
    one(sql, &READ_THREAD, &[])
}

/// # Errors
/// [`Error`].
pub fn write_thread(sql: &impl Sql, body: &impl Serialize) -> Result<(), Error> {
    sql.query(&WRITE_THREAD, &[json(body)?]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn run<T: DeserializeOwned>(sql: &impl Sql, number: u32) -> Result<Option<T>, Error> {
    one(sql, &READ_RUN, &[Value::Integer(number.into())])
}

/// # Errors
/// [`Error`].
pub fn write_run(sql: &impl Sql, number: u32, body: &impl Serialize) -> Result<(), Error> {
    sql.query(&WRITE_RUN, &[Value::Integer(number.into()), json(body)?]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn write_events(sql: &impl Sql, at: Millis, events: &[Numbered]) -> Result<(), Error> {
    let mut row: Vec<&Numbered> = Vec::new();
    let mut bytes = 0;
    for event in events {
        let size = serde_json::to_string(event).map_or(0, |json| json.len());
        if bytes + size > MAX_TEXT && !row.is_empty() {
            write_event_row(sql, at, &row)?;
            (row, bytes) = (Vec::new(), 0);
        }
        bytes += size;
        row.push(event);
    }
    write_event_row(sql, at, &row)
}

fn write_event_row(sql: &impl Sql, at: Millis, row: &[&Numbered]) -> Result<(), Error> {
    let Some(last) = row.last() else { return Ok(()) };
    sql.query(&WRITE_EVENTS, &[integer(last.position), Value::Integer(at.0), json(&row)?]).map(drop)
}

/// The most rows of events that are looked at for one page.
const MAX_EVENT_ROWS: u32 = 500;

/// Events of some writes.
#[derive(Debug)]
pub struct Page {
    pub events: Vec<Numbered>,
    pub bytes: u64,
    /// The position behind which they go on; `None`: these are all.
    pub next: Option<u64>,
}

/// Events behind a position, of no more than `bytes` bytes, but of one write at least.
///
/// # Errors
/// [`Error`].
pub fn events(sql: &impl Sql, after: u64, bytes: u64) -> Result<Page, Error> {
    let sizes = sql.query(&EVENT_SIZES, &[integer(after), Value::Integer(i64::from(MAX_EVENT_ROWS) + 1)])?;
    let mut page = Page { events: Vec::new(), bytes: 0, next: None };
    let mut until = after;
    for (nth, row) in sizes.iter().enumerate() {
        let mut columns = Columns::of(row);
        let (position, size): (u64, u64) = (columns.number()?, columns.number()?);
        if nth > 0 && page.bytes.saturating_add(size) > bytes || nth >= MAX_EVENT_ROWS as usize {
            page.next = Some(until);
            break;
        }
        page.bytes = page.bytes.saturating_add(size);
        until = position;
    }
    for row in sql.query(&EVENTS_BETWEEN, &[integer(after), integer(until)])? {
        page.events.extend(read::<Vec<Numbered>>("events", Columns::of(&row).text()?)?);
    }
    Ok(page)
}

/// The position of the last event; 0 where there is none.
///
/// # Errors
/// [`Error`].
pub fn last_event(sql: &impl Sql) -> Result<u64, Error> {
    number(sql, &LAST_EVENT).map(Option::unwrap_or_default)
}

/// The last number of a run of which there is a row, if that is among the last 50 writes.
///
/// # Errors
/// [`Error`].
pub fn last_seq(sql: &impl Sql, run: u32) -> Result<Option<u64>, Error> {
    for row in sql.query(&LAST_EVENTS, &[])? {
        let events: Vec<Numbered> = read("events", Columns::of(&row).text()?)?;
        let last = events.iter().rev().find(|event| event.run.number == run);
        if let Some(last) = last {
            return Ok(Some(last.seq));
        }
    }
    Ok(None)
}

/// When the oldest events were written that can be forgotten.
///
/// # Errors
/// [`Error`].
pub fn oldest_event(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    let rows = sql.query(&OLDEST_EVENT, &[])?;
    rows.first().map(|row| Columns::of(row).integer().map(Millis)).transpose()
}

/// Forgets events from before a moment, at most 1,000 writes of them, and not the last; up to which position, 0 where there
/// are none.
///
/// # Errors
/// [`Error`].
pub fn forget_events(sql: &impl Sql, before: Millis) -> Result<u64, Error> {
    let rows = sql.query(&OLD_EVENTS, &[Value::Integer(before.0)])?;
    let until: u64 = rows.first().map(|row| Columns::of(row).number()).transpose()?.unwrap_or_default();
    if until > 0 {
        sql.query(&DELETE_EVENTS, &[integer(until)])?;
    }
    Ok(until)
}

/// Forgets everything but the thread's own row and the journals.
///
/// # Errors
/// [`Error`].
pub fn delete_all(sql: &impl Sql) -> Result<(), Error> {
    let items = [DELETE_ALL_ITEMS, DELETE_ALL_PIECES, DELETE_ALL_VOICES];
    let runs = [DELETE_ALL_RUNS, DELETE_ALL_EVENTS, DELETE_ALL_ANSWERS];
    items.iter().chain(&runs).try_for_each(|query| sql.query(query, &[]).map(drop))
}

/// What was answered to a call that waited.
///
/// # Errors
/// [`Error`].
pub fn answer<T: DeserializeOwned>(sql: &impl Sql, run: u32, entry: u32) -> Result<Option<T>, Error> {
    one(sql, &READ_ANSWER, &[Value::Integer(run.into()), Value::Integer(entry.into())])
}

/// `voice`: who has given it, if that is somebody else than whose run it is.
///
/// # Errors
/// [`Error`].
pub fn write_answer(
    sql: &impl Sql,
    (run, entry): (u32, u32),
    at: Millis,
    answer: &impl Serialize,
    voice: Option<u32>,
) -> Result<(), Error> {
    let [run, entry] = [run, entry].map(|number| Value::Integer(number.into()));
    sql.query(&WRITE_ANSWER, &[run, entry, Value::Integer(at.0), json(answer)?, voice.into()]).map(drop)
}
