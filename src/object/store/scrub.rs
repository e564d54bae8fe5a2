//! What was deleted is overwritten, so that no page of the disk shows it any more.
//!
//! SQLite frees pages and leaves in them what was there, also in pages that are used again for something smaller, and the platform
//! lets nobody switch that off. So every table is written anew, onto pages that were filled with zeros before.

use super::tables::{self, Table, quoted};
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `scrub`: how a table's own things are made.
    MADE_BY = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL AND type IN (?, 'trigger')";
}

/// The most bytes that are written anew at once. What is larger is left to be overwritten as it is used.
const MAX_BYTES: u64 = 32 * 1_024 * 1_024;
/// What is written besides: pages that are partly used, and those of SQLite itself.
const SLACK: u64 = 256 * 1_024;
/// Zeros of one row that fill whole pages of 4,096 bytes: one page of the table's own (a payload of at most 4,061 bytes stays on it),
/// and 60 overflow pages of 4,092 bytes behind one. A page that is filled in part keeps what was there.
const PAGE: u64 = 4_058;
const CHUNK: u64 = 60 * 4_092 + 4_057;

/// Overwrites what is free; `freed`: how many bytes were deleted, about. Whether it was done: a large disk is left as it is.
///
/// # Errors
/// [`Error::Storage`].
pub fn scrub(sql: &impl Sql, freed: u64) -> Result<bool, Error> {
    let tables = tables::tables(sql)?;
    let mut bytes = freed;
    for table in &tables {
        bytes = bytes.saturating_add(size(sql, table)?);
    }
    if bytes > MAX_BYTES {
        return Ok(false);
    }
    let zeros = bytes.saturating_mul(3).saturating_add(SLACK);
    fill(sql, zeros)?;
    // No page that is freed is used again before it is filled.
    let mut indexes = Vec::new();
    for (nth, table) in tables.iter().enumerate() {
        indexes.extend(again(sql, table, nth)?);
    }
    for nth in 0..tables.len() {
        sql.exec(&format!("DROP TABLE IF EXISTS _scrub_{nth}"), &[])?;
    }
    fill(sql, zeros)?;
    indexes.iter().try_for_each(|statement| sql.exec(statement, &[]).map(drop))?;
    Ok(true)
}

fn size(sql: &impl Sql, table: &Table) -> Result<u64, Error> {
    let sizes = table.columns.iter().map(|column| format!("coalesce(octet_length({}), 0)", quoted(column)));
    let sizes = sizes.collect::<Vec<_>>().join(" + ");
    let name = quoted(&table.name);
    let rows = sql.exec(&format!("SELECT coalesce(sum({sizes} + 64), 0) FROM {name}"), &[])?;
    rows.first().map_or(Ok(0), |row| Columns::of(row).number())
}

/// Writes a table anew, beside the old one; the statements that make its indexes and triggers again.
fn again(sql: &impl Sql, table: &Table, nth: usize) -> Result<Vec<String>, Error> {
    let made_by = |kind: &str| {
        let rows = sql.query(&MADE_BY, &[Value::from(table.name.as_str()), Value::from(kind)])?;
        rows.iter().map(|row| Columns::of(row).text().map(str::to_owned)).collect::<Result<Vec<_>, Error>>()
    };
    let (made, indexes) = (made_by("table")?, made_by("index")?);
    let is_table = |statement: &&String| statement.trim_start().starts_with("CREATE TABLE");
    let Some(create) = made.iter().find(is_table) else { return Ok(Vec::new()) };
    let name = quoted(&table.name);
    let columns = table.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
    sql.exec(&format!("ALTER TABLE {name} RENAME TO _scrub_{nth}"), &[])?;
    sql.exec(create, &[])?;
    sql.exec(&format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM _scrub_{nth}"), &[])?;
    Ok(indexes)
}

/// Takes the free pages, fills them with zeros and gives them back.
fn fill(sql: &impl Sql, bytes: u64) -> Result<(), Error> {
    sql.exec("CREATE TABLE _scrub_zeros (zeros BLOB)", &[])?;
    let fill = |size: u64| {
        sql.exec("INSERT INTO _scrub_zeros (zeros) VALUES (zeroblob(?))", &[Value::from(size)]).map(drop)
    };
    // The table's first page is one of them, and has room for one row.
    fill(PAGE)?;
    (0..bytes.div_ceil(CHUNK)).try_for_each(|_| fill(CHUNK))?;
    sql.exec("DROP TABLE _scrub_zeros", &[]).map(drop)
}
