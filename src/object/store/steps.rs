//! The schema of an object in numbered steps, brought up to date whenever an object starts.
//!
//! **The code before a step can read and write what the step leaves behind.** A deployment is rolled back, and for minutes
//! old and new code run side by side. Two numbers are kept: how many steps were applied (`schema_steps`), and
//! how many of them code must know at least (`schema_versions`). The second is one less, so code one step
//! older continues, and older code refuses before it loses what it does not know. A release adds at most one
//! step.

use crate::object::sql::{Error, Sql, Value};
use crate::sql::queries;

/// The statements of one step, one an element. Applied once, in order, and never edited once released.
pub type Step = &'static [&'static str];

queries! {
    /// `migrate`
    CREATE_VERSIONS = "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY)";
    /// `migrate`
    CREATE_STEPS = "CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY)";
    /// `is_empty`
    FIND_STEPS = "SELECT name FROM sqlite_master WHERE name = 'schema_steps'";
    /// `migrate`: applied, and known at least. The first releases kept one number for both.
    READ_VERSION = "SELECT
        MAX((SELECT COALESCE(MAX(step), 0) FROM schema_steps), (SELECT COALESCE(MAX(version), 0) FROM schema_versions)),
        (SELECT COALESCE(MAX(version), 0) FROM schema_versions)";
    /// `migrate`
    WRITE_STEP = "INSERT INTO schema_steps (step) VALUES (?)";
    /// `migrate`
    WRITE_VERSION = "INSERT OR IGNORE INTO schema_versions (version) VALUES (?)";
    /// `go_on`
    COUNT_STEPS = "SELECT COALESCE(MAX(step), 0) FROM schema_steps";
    /// `end_restoring`
    DELETE_VERSION = "DELETE FROM schema_versions WHERE version = ?";
}

/// More steps than there will ever be: no code opens an object that needs so many, and an object needs them until all of a
/// backup is in it.
const RESTORING: usize = 1_000_000;

/// Whether nothing was ever written here.
///
/// # Errors
/// [`Error::Storage`].
pub fn is_empty(sql: &impl Sql) -> Result<bool, Error> {
    sql.query(&FIND_STEPS, &[]).map(|rows| rows.is_empty())
}

/// Applies what is missing of `steps`.
///
/// # Errors
/// [`Error::Storage`] when SQLite refuses, or when a newer version has written here that this code does not
/// know: it could lose some of it.
pub fn migrate(sql: &impl Sql, steps: &[Step]) -> Result<(), Error> {
    create(sql)?;
    let (applied, needed) = numbers(sql)?;
    if needed == RESTORING {
        return Err(Error::Storage("the object is being restored from a backup".to_owned()));
    }
    if needed > steps.len() {
        let known = steps.len();
        return Err(Error::Storage(format!(
            "the object's schema needs code that knows {needed} steps; this code knows {known}"
        )));
    }
    for (n, step) in steps.iter().enumerate().skip(applied) {
        sql.atomically(&mut || apply(sql, n + 1, step))?;
    }
    Ok(())
}

fn create(sql: &impl Sql) -> Result<(), Error> {
    sql.query(&CREATE_VERSIONS, &[])?;
    sql.query(&CREATE_STEPS, &[]).map(drop)
}

/// How many steps were applied, and how many must be known.
fn numbers(sql: &impl Sql) -> Result<(usize, usize), Error> {
    let rows = sql.query(&READ_VERSION, &[])?;
    let number = |column: usize| match rows.first().and_then(|row| row.get(column)) {
        Some(Value::Integer(number)) => Ok(usize::try_from(*number).unwrap_or(usize::MAX)),
        other => Err(Error::Storage(format!("the schema's version is {other:?}"))),
    };
    Ok((number(0)?, number(1)?))
}

/// How many steps were applied, in an object that is not empty.
///
/// # Errors
/// [`Error::Storage`].
pub fn applied(sql: &impl Sql) -> Result<u32, Error> {
    numbers(sql).map(|(applied, _)| u32::try_from(applied).unwrap_or(u32::MAX))
}

/// Whether a backup is on its way into the object.
///
/// # Errors
/// [`Error::Storage`].
pub fn is_restoring(sql: &impl Sql) -> Result<bool, Error> {
    Ok(!is_empty(sql)? && numbers(sql)?.1 == RESTORING)
}

/// Makes the tables of these steps, in an object that is opened by [`end_restoring`].
///
/// # Errors
/// [`Error::Storage`].
pub fn begin_restoring(sql: &impl Sql, steps: &[Step]) -> Result<(), Error> {
    create(sql)?;
    (1..).zip(steps).try_for_each(|(number, step)| apply(sql, number, step))?;
    sql.query(&WRITE_VERSION, &[integer(RESTORING)]).map(drop)
}

/// Applies what is missing of `steps` to an object that is being restored.
///
/// # Errors
/// [`Error::Storage`].
pub fn go_on(sql: &impl Sql, steps: &[Step]) -> Result<(), Error> {
    // Of these the marker is the highest version, so the steps themselves are counted.
    let rows = sql.query(&COUNT_STEPS, &[])?;
    let applied = match rows.first().and_then(|row| row.first()) {
        Some(Value::Integer(number)) => usize::try_from(*number).unwrap_or(usize::MAX),
        other => return Err(Error::Storage(format!("the number of steps is {other:?}"))),
    };
    for (number, step) in (1..).zip(steps).skip(applied) {
        sql.atomically(&mut || apply(sql, number, step))?;
    }
    Ok(())
}

/// Opens the object.
///
/// # Errors
/// [`Error::Storage`].
pub fn end_restoring(sql: &impl Sql) -> Result<(), Error> {
    sql.query(&DELETE_VERSION, &[integer(RESTORING)]).map(drop)
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn apply(sql: &impl Sql, number: usize, step: &[&str]) -> Result<(), Error> {
    for statement in step {
        sql.exec(statement, &[])?;
    }
    sql.query(&WRITE_STEP, &[integer(number)])?;
    sql.query(&WRITE_VERSION, &[integer((number - 1).max(1))]).map(|_| ())
}
