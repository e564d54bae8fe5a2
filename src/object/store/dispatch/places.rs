//! The account's objects that keep memories.

use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `is_known`
    FIND_PLACE = "SELECT name FROM places WHERE name = ?";
    /// `counted`
    READ_PLACE = "SELECT version, memories FROM places WHERE name = ?";
    /// `count`
    COUNT_PLACE = "INSERT INTO places (name, version, memories) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET version = excluded.version, memories = excluded.memories";
    /// `write`
    WRITE_PLACE = "INSERT OR IGNORE INTO places (name) VALUES (?)";
    /// `delete`
    DELETE_PLACE = "DELETE FROM places WHERE name = ?";
    /// `behind`
    PLACES_BEHIND = "SELECT name FROM places WHERE name > ? ORDER BY name LIMIT ?";
}

/// The most that are named at once.
const MAX_PLACES: u32 = 1_000;

/// # Errors
/// [`Error`], here and below when SQLite refuses.
pub fn is_known(sql: &impl Sql, name: &str) -> Result<bool, Error> {
    sql.query(&FIND_PLACE, &[Value::from(name)]).map(|rows| !rows.is_empty())
}

/// # Errors
/// [`Error`].
pub fn write(sql: &impl Sql, name: &str, is_there: bool) -> Result<(), Error> {
    let query = if is_there { &WRITE_PLACE } else { &DELETE_PLACE };
    sql.query(query, &[Value::from(name)]).map(drop)
}

/// Those behind one, in the order of their names.
///
/// # Errors
/// [`Error`].
pub fn behind(sql: &impl Sql, after: &str, most: u32) -> Result<Vec<String>, Error> {
    let rows = sql.query(&PLACES_BEHIND, &[Value::from(after), Value::from(most.min(MAX_PLACES))])?;
    rows.iter().map(|row| Columns::of(row).text().map(str::to_owned)).collect()
}

/// The version of what was counted last of a place, and how many memories that was.
///
/// # Errors
/// [`Error`].
pub fn counted(sql: &impl Sql, name: &str) -> Result<(u64, u64), Error> {
    let rows = sql.query(&READ_PLACE, &[Value::from(name)])?;
    let Some(row) = rows.first() else { return Ok((0, 0)) };
    let mut columns = Columns::of(row);
    Ok((columns.number()?, columns.number()?))
}

/// # Errors
/// [`Error`].
pub fn count(sql: &impl Sql, name: &str, version: u64, memories: u64) -> Result<(), Error> {
    sql.query(&COUNT_PLACE, &[Value::from(name), version.into(), memories.into()]).map(drop)
}
