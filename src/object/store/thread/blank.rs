//! A run of which nothing is left that was said.

use serde_json::Value as Json;
use uuid::Uuid;

use super::{integer, json, read};
use crate::domain::run::event::Numbered;
use crate::domain::thread::id::{EntryId, RunId};
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `runs_of_user`
    RUNS_BEGUN_BY = "SELECT number FROM runs WHERE number >= ? AND json_extract(body, '$.run.terms.user') = ?
        AND json_extract(body, '$.run.created_at') <= ? ORDER BY number LIMIT ?";
    /// `blank_runs`
    STEP_BEHIND = "SELECT nth, body FROM steps WHERE run = ? AND nth > ? ORDER BY nth LIMIT 1";
    /// `blank_runs`
    CHANGE_STEP = "UPDATE steps SET body = ? WHERE run = ? AND nth = ?";
    /// `blank_runs`
    DELETE_ANSWERS = "DELETE FROM answers WHERE run = ?";
    /// `blank_runs`: row by row, for one may be long.
    EVENTS_BEHIND = "SELECT position, events FROM events WHERE position > ? ORDER BY position LIMIT 1";
    /// `blank_runs`
    CHANGE_EVENTS = "UPDATE events SET events = ? WHERE position = ?";
}

/// What stands where something was.
pub const ERASED: &str = "[erased]";

/// The first runs that a token of this person began by then, from one on, as far as the disk has them: at most so many.
///
/// # Errors
/// [`Error`].
pub fn runs_of_user(
    sql: &impl Sql,
    user: &str,
    from: u32,
    until: Millis,
    most: u32,
) -> Result<Vec<u32>, Error> {
    let those = [
        Value::Integer(from.into()),
        Value::from(user),
        Value::Integer(until.0),
        Value::Integer(most.into()),
    ];
    sql.query(&RUNS_BEGUN_BY, &those)?.iter().map(|row| Columns::of(row).number()).collect()
}

/// Of the runs' journals, only numbers, names of ours and moments are left, of their events nothing, nor of what was answered to
/// them.
///
/// # Errors
/// [`Error`].
pub fn blank_runs(sql: &impl Sql, runs: &[u32]) -> Result<(), Error> {
    for run in runs {
        let number = || Value::Integer((*run).into());
        let mut behind = -1;
        while let Some(row) = sql.query(&STEP_BEHIND, &[number(), Value::Integer(behind)])?.first() {
            let mut columns = Columns::of(row);
            behind = columns.integer()?;
            let mut body: Json = read("a step", columns.text()?)?;
            blank(&mut body);
            sql.query(&CHANGE_STEP, &[json(&body)?, number(), Value::Integer(behind)])?;
        }
        sql.query(&DELETE_ANSWERS, &[number()])?;
    }
    change_events(sql, |events| {
        let before = events.len();
        events.retain(|event| !runs.contains(&event.run.number));
        events.len() < before
    })
}

/// Changes events, those of one write at a time, where `change` says that it has.
///
/// # Errors
/// [`Error`].
pub fn change_events(
    sql: &impl Sql,
    mut change: impl FnMut(&mut Vec<Numbered>) -> bool,
) -> Result<(), Error> {
    let mut behind = 0;
    while let Some(row) = sql.query(&EVENTS_BEHIND, &[integer(behind)])?.first() {
        let mut columns = Columns::of(row);
        behind = columns.number()?;
        let mut events: Vec<Numbered> = read("events", columns.text()?)?;
        if change(&mut events) {
            sql.query(&CHANGE_EVENTS, &[json(&events)?, integer(behind)])?;
        }
    }
    Ok(())
}

/// Only numbers, names of ours and moments are left.
pub fn blank(value: &mut Json) {
    match value {
        Json::String(text) if !is_ours(text) => ERASED.clone_into(text),
        Json::Array(all) => all.iter_mut().for_each(blank),
        Json::Object(fields) => fields.values_mut().for_each(blank),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Whether a text is an id, an amount or a moment.
fn is_ours(text: &str) -> bool {
    let is_amount = || text.len() < 24 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    Uuid::try_parse(text).is_ok()
        || RunId::parse(text).is_some()
        || EntryId::parse(text).is_some()
        || Millis::parse_rfc3339(text).is_some()
        || is_amount()
}
