//! What a dispatch object has learned: whose it is, and copies of declared things.

use crate::domain::admission::command::Learned;
use crate::domain::ids::AccountId;
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `account`
    READ_ACCOUNT = "SELECT account FROM owner WHERE id = 1";
    /// `copied_at`
    READ_COPIED = "SELECT copied_at FROM owner WHERE id = 1";
    /// `note_copied`
    WRITE_COPIED = "UPDATE owner SET copied_at = ? WHERE id = 1";
    /// `write_account`
    WRITE_ACCOUNT = "INSERT INTO owner (id, account) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET account = excluded.account";
    /// `of_kind`: those that are there.
    COPIES_OF_KIND = "SELECT name, revision, body FROM declared WHERE kind = ? AND body IS NOT NULL ORDER BY name";
    /// `revision`
    COPY_REVISION = "SELECT revision FROM declared WHERE kind = ? AND name = ?";
    /// `write`
    WRITE_COPY = "INSERT INTO declared (kind, name, revision, body) VALUES (?, ?, ?, ?)
        ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, body = excluded.body";
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Whose object it is, once it has learned something.
///
/// # Errors
/// [`Error`]; here and below when SQLite refuses, or a row is not what this code writes.
pub fn account(sql: &impl Sql) -> Result<Option<AccountId>, Error> {
    let rows = sql.query(&READ_ACCOUNT, &[])?;
    rows.first().map(|row| Columns::of(row).parsed(AccountId::parse)).transpose()
}

/// When this was made as a copy of another environment's object.
///
/// # Errors
/// [`Error`].
pub fn copied_at(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    let rows = sql.query(&READ_COPIED, &[])?;
    Ok(rows.first().map(|row| Columns::of(row).optional_integer()).transpose()?.flatten().map(Millis))
}

/// It is a copy from now on.
///
/// # Errors
/// [`Error`].
pub fn note_copied(sql: &impl Sql, now: Millis) -> Result<(), Error> {
    sql.query(&WRITE_COPIED, &[Value::Integer(now.0)]).map(drop)
}

/// # Errors
/// [`Error`].
pub fn write_account(sql: &impl Sql, account: AccountId) -> Result<(), Error> {
    sql.query(&WRITE_ACCOUNT, &[Value::Text(account.to_string())]).map(drop)
}

/// Name, revision and body of each thing of a kind.
///
/// # Errors
/// [`Error`].
pub fn of_kind(sql: &impl Sql, kind: &str) -> Result<Vec<(String, u64, String)>, Error> {
    let rows = sql.query(&COPIES_OF_KIND, &[text(kind)])?;
    let read = |row: &Vec<Value>| {
        let mut columns = Columns::of(row);
        Ok((columns.text()?.to_owned(), columns.number()?, columns.text()?.to_owned()))
    };
    rows.iter().map(read).collect()
}

/// Since which revision a thing is as it is kept, also a deleted one.
///
/// # Errors
/// [`Error`].
pub fn revision(sql: &impl Sql, kind: &str, name: &str) -> Result<Option<u64>, Error> {
    let rows = sql.query(&COPY_REVISION, &[text(kind), text(name)])?;
    rows.first().map(|row| Columns::of(row).number()).transpose()
}

/// # Errors
/// [`Error`].
pub fn write(sql: &impl Sql, thing: &Learned) -> Result<(), Error> {
    let revision = Value::Integer(i64::try_from(thing.revision).unwrap_or(i64::MAX));
    let body = thing.body.as_deref().map_or(Value::Null, text);
    sql.query(&WRITE_COPY, &[text(&thing.kind), text(&thing.name), revision, body]).map(drop)
}
