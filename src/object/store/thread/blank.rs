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
    /// `blank_run`
    STEPS_OF_RUN = "SELECT nth, body FROM steps WHERE run = ? ORDER BY nth";
    /// `blank_run`
    CHANGE_STEP = "UPDATE steps SET body = ? WHERE run = ? AND nth = ?";
    /// `blank_run`
    DELETE_ANSWERS = "DELETE FROM answers WHERE run = ?";
    /// `blank_run`: row by row, for one may be long.
    EVENTS_BEHIND = "SELECT position, events FROM events WHERE position > ? ORDER BY position LIMIT 1";
    /// `blank_run`
    CHANGE_EVENTS = "UPDATE events SET events = ? WHERE position = ?";
}

/// What stands where something was.
const ERASED: &str = "[erased]";

/// Of a run's journal, only numbers, names of ours and moments are left, of its events nothing, nor of what was answered to it.
///
/// # Errors
/// [`Error`].
pub fn blank_run(sql: &impl Sql, run: u32) -> Result<(), Error> {
    let number = || Value::Integer(run.into());
    for row in sql.query(&STEPS_OF_RUN, &[number()])? {
        let mut columns = Columns::of(&row);
        let nth = columns.integer()?;
        let mut body: Json = read("a step", columns.text()?)?;
        blank(&mut body);
        sql.query(&CHANGE_STEP, &[json(&body)?, number(), Value::Integer(nth)])?;
    }
    sql.query(&DELETE_ANSWERS, &[number()])?;
    let mut behind = 0;
    while let Some(row) = sql.query(&EVENTS_BEHIND, &[integer(behind)])?.first() {
        let mut columns = Columns::of(row);
        behind = columns.number()?;
        let mut events: Vec<Numbered> = read("events", columns.text()?)?;
        let before = events.len();
        events.retain(|event| event.run.number != run);
        if events.len() < before {
            sql.query(&CHANGE_EVENTS, &[json(&events)?, integer(behind)])?;
        }
    }
    Ok(())
}

fn blank(value: &mut Json) {
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
