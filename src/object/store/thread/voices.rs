//! Who has spoken in a thread in the runs of others, and how what they said goes.

use std::collections::BTreeSet;

use serde_json::json;

use super::blank::{ERASED, change_events};
use super::{integer, items, number};
use crate::domain::message::{Message, Part, stored};
use crate::domain::run::event::Event;
use crate::domain::run::input::Given;
use crate::domain::thread::item::Item;
use crate::domain::thread::voice::By;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `voice_of`
    VOICE_OF = "SELECT number, since FROM voices WHERE user = ?";
    /// `voice`
    READ_VOICE = "SELECT user, since FROM voices WHERE number = ?";
    /// `last_voice`
    LAST_VOICE = "SELECT number FROM voices ORDER BY number DESC LIMIT 1";
    /// `write_voice`
    WRITE_VOICE = "INSERT INTO voices (number, user, since) VALUES (?, ?, ?)
        ON CONFLICT (number) DO UPDATE SET since = min(since, excluded.since)";
    /// `speaker_of`
    STARTED_FOR = "SELECT json_extract(body, '$.run.terms.user'), json_extract(body, '$.run.created_at') FROM runs
        WHERE number = ?";
    /// `said_by`
    SAID_BY = "SELECT position FROM items WHERE voice = ? AND said_at <= ? ORDER BY position LIMIT ?";
    /// `hush`
    BLANK_ITEM = "UPDATE items SET message = ?, bytes = ?, voice = NULL, said_at = NULL, of_run = NULL WHERE position = ?";
    /// `hush`
    DELETE_ITEM = "DELETE FROM items WHERE position = ?";
    /// `hush`: the rest of a long message.
    DELETE_REST = "DELETE FROM pieces WHERE position = ?";
    /// `hush`: tools that a run has offered; it is over.
    DROP_TOOLS = "UPDATE runs SET body = json_remove(body, '$.run.terms.tools') WHERE number = ?";
    /// `hush`
    ANSWERED_BY = "SELECT run, entry FROM answers WHERE voice = ? AND at <= ?";
    /// `hush`
    BLANK_ANSWERS = "UPDATE answers SET answer = ?, voice = NULL WHERE voice = ? AND at <= ?";
    /// `hush`: when they said the first that is left.
    LEFT_OF_ITEMS = "SELECT min(said_at) FROM items WHERE voice = ?";
    /// `hush`
    LEFT_OF_ANSWERS = "SELECT min(at) FROM answers WHERE voice = ?";
    /// `hush`
    LEAVE_VOICE = "UPDATE voices SET since = ? WHERE number = ?";
    /// `hush`
    DELETE_VOICE = "DELETE FROM voices WHERE number = ?";
}

/// What of a person goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hush {
    /// The number of their voice.
    pub voice: u32,
    /// What they said by then.
    pub until: Millis,
    /// At most so many items.
    pub most: u32,
    /// Runs that are not over.
    pub open: BTreeSet<u32>,
    /// When they said the first of what is no item yet and stays.
    pub left: Option<Millis>,
}

/// The number of a person's voice, and when they said the first that is left.
///
/// # Errors
/// [`Error`], here and below when SQLite refuses, or a row is not what this code writes.
pub fn voice_of(sql: &impl Sql, user: &str) -> Result<Option<(u32, Millis)>, Error> {
    let rows = sql.query(&VOICE_OF, &[Value::from(user)])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    Ok(Some((columns.number()?, Millis(columns.integer()?))))
}

/// Whose voice this is, and since when.
///
/// # Errors
/// [`Error`].
pub fn voice(sql: &impl Sql, number: u32) -> Result<Option<(String, Millis)>, Error> {
    let rows = sql.query(&READ_VOICE, &[Value::Integer(number.into())])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    Ok(Some((columns.text()?.to_owned(), Millis(columns.integer()?))))
}

/// The highest number of a voice; 0 where there is none.
///
/// # Errors
/// [`Error`].
pub fn last_voice(sql: &impl Sql) -> Result<u32, Error> {
    let last = number(sql, &LAST_VOICE)?.unwrap_or_default();
    Ok(u32::try_from(last).unwrap_or(u32::MAX))
}

/// # Errors
/// [`Error`].
pub fn write_voice(sql: &impl Sql, number: u32, user: &str, since: Millis) -> Result<(), Error> {
    let values = [Value::Integer(number.into()), Value::from(user), Value::Integer(since.0)];
    sql.query(&WRITE_VOICE, &values).map(drop)
}

/// The person whom the token was issued for that began a run, as a copy of its items names them.
///
/// # Errors
/// [`Error`].
pub fn speaker_of(sql: &impl Sql, run: u32) -> Result<Option<By>, Error> {
    let rows = sql.query(&STARTED_FOR, &[Value::Integer(run.into())])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    let Some(user) = columns.optional_text()?.map(str::to_owned) else { return Ok(None) };
    Ok(Some(By { user, at: Millis(columns.integer()?), of_run: true }))
}

/// Where the first items stand that a person has said by then, at most so many.
///
/// # Errors
/// [`Error`].
pub fn said_by(sql: &impl Sql, voice: u32, until: Millis, most: u32) -> Result<Vec<u64>, Error> {
    let those = [Value::Integer(voice.into()), Value::Integer(until.0), Value::Integer(most.into())];
    sql.query(&SAID_BY, &those)?.iter().map(|row| Columns::of(row).number()).collect()
}

/// What a person has said goes; by how many bytes items have shrunk. An output stays as a word with its call, so that each call keeps
/// its result. When the last item goes, so does what was answered, what events say of it, and the name.
///
/// # Errors
/// [`Error`].
pub fn hush(sql: &impl Sql, hush: &Hush) -> Result<u64, Error> {
    let positions = said_by(sql, hush.voice, hush.until, hush.most.saturating_add(1))?;
    let (mut shrunk, mut joined) = (0_u64, BTreeSet::new());
    for position in positions.iter().take(hush.most as usize) {
        let Some((item, bytes)) = items::between(sql, *position, *position)?.into_iter().next() else {
            continue;
        };
        joined.insert(item.run);
        shrunk = shrunk.saturating_add(bytes.saturating_sub(remove(sql, item)?));
    }
    for run in joined.difference(&hush.open) {
        sql.query(&DROP_TOOLS, &[Value::Integer((*run).into())])?;
    }
    if positions.len() <= hush.most as usize {
        forget_answers(sql, hush)?;
        leave(sql, hush)?;
    }
    Ok(shrunk)
}

/// Removes an item, or what it says; how many bytes are left.
fn remove(sql: &impl Sql, item: Item) -> Result<u64, Error> {
    let position = integer(item.position);
    sql.query(&DELETE_REST, std::slice::from_ref(&position))?;
    let of_run = item.by.is_some_and(|by| by.of_run);
    let Message::Tool { call_id, is_error, .. } = item.message else {
        return sql.query(&DELETE_ITEM, &[position]).map(|_| 0);
    };
    if of_run {
        // Its call goes, too.
        return sql.query(&DELETE_ITEM, &[position]).map(|_| 0);
    }
    let text = stored::write(&Message::Tool { call_id, parts: erased(), is_error });
    let bytes = text.len() as u64;
    sql.query(&BLANK_ITEM, &[Value::Text(text), integer(bytes), position])?;
    Ok(bytes)
}

fn erased() -> Vec<Part> {
    vec![Part::Text(ERASED.to_owned())]
}

/// What a person has answered to calls. That they were answered stays.
fn forget_answers(sql: &impl Sql, hush: &Hush) -> Result<(), Error> {
    let those = [Value::Integer(hush.voice.into()), Value::Integer(hush.until.0)];
    let mut calls = BTreeSet::new();
    for row in sql.query(&ANSWERED_BY, &those)? {
        let mut columns = Columns::of(&row);
        calls.insert((columns.number::<u32>()?, columns.number::<u32>()?));
    }
    if calls.is_empty() {
        return Ok(());
    }
    let [voice, until] = those;
    let answer = Value::Text(json!(Given::Output(erased())).to_string());
    sql.query(&BLANK_ANSWERS, &[answer, voice, until])?;
    change_events(sql, |events| {
        let mut has_changed = false;
        for event in events {
            if let Event::ToolResult { call_id, output, .. } = &mut event.event
                && calls.contains(&(call_id.run.number, call_id.number))
            {
                *output = erased();
                has_changed = true;
            }
        }
        has_changed
    })
}

/// Of whom nothing is left no name is.
fn leave(sql: &impl Sql, hush: &Hush) -> Result<(), Error> {
    let voice = Value::Integer(hush.voice.into());
    let mut left = hush.left;
    for query in [&LEFT_OF_ITEMS, &LEFT_OF_ANSWERS] {
        let rows = sql.query(query, std::slice::from_ref(&voice))?;
        let first = rows.first().map(|row| Columns::of(row).optional_integer()).transpose()?.flatten();
        left = [left, first.map(Millis)].into_iter().flatten().min();
    }
    match left {
        Some(since) => sql.query(&LEAVE_VOICE, &[Value::Integer(since.0), voice]).map(drop),
        None => sql.query(&DELETE_VOICE, &[voice]).map(drop),
    }
}
