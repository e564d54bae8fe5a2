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
}

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
    sql.query(&CREATE_VERSIONS, &[])?;
    sql.query(&CREATE_STEPS, &[])?;
    let rows = sql.query(&READ_VERSION, &[])?;
    let number = |column: usize| match rows.first().and_then(|row| row.get(column)) {
        Some(Value::Integer(number)) => Ok(usize::try_from(*number).unwrap_or(usize::MAX)),
        other => Err(Error::Storage(format!("the schema's version is {other:?}"))),
    };
    let (applied, needed) = (number(0)?, number(1)?);
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

fn apply(sql: &impl Sql, number: usize, step: &[&str]) -> Result<(), Error> {
    for statement in step {
        sql.exec(statement, &[])?;
    }
    let integer = |number: usize| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    sql.query(&WRITE_STEP, &[integer(number)])?;
    sql.query(&WRITE_VERSION, &[integer((number - 1).max(1))]).map(|_| ())
}
