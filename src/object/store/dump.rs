//! A dump of an object, page by page; see [`crate::domain::backup::command`].
//!
//! While one goes on, triggers note which rows change. They are here for as long as a dump is, and cost each change two rows
//! more. A dump that nobody goes on with is ended by the object itself.

use std::collections::BTreeMap;

use super::steps;
use super::tables::{self, ROWS_AT_ONCE, Table, quoted};
use crate::domain::backup::command::{Answer, Cursor, Page};
use crate::domain::backup::rows::{Cell, Rows};
use crate::domain::time::Millis;
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `until`, `page`
    FIND_DUMP = "SELECT name FROM sqlite_master WHERE name = '_dump'";
    /// `end`
    DUMP_TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 6) = '_dump_'";
}

/// The dump that goes on, in one row.
const DUMP: &str = "CREATE TABLE _dump (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    dump  TEXT NOT NULL,
    -- Of the schema.
    steps INTEGER NOT NULL,
    until INTEGER NOT NULL
)";
/// Rows that have changed, by what happened last.
const CHANGES: &str = "CREATE TABLE _dump_changes (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    tab   TEXT NOT NULL,
    -- A JSON list.
    row   TEXT NOT NULL,
    UNIQUE (tab, row)
)";
const INSERT_DUMP: &str = "INSERT INTO _dump (id, dump, steps, until) VALUES (1, ?, ?, ?)";
const READ_DUMP: &str = "SELECT dump, steps, until FROM _dump";
const PROLONG: &str = "UPDATE _dump SET until = ?";
const READ_CHANGES: &str = "SELECT seq, tab, row FROM _dump_changes WHERE seq > ? ORDER BY seq LIMIT 1000";
const DROP_CHANGES: &str = "DROP TABLE IF EXISTS _dump_changes";
const DROP_DUMP: &str = "DROP TABLE IF EXISTS _dump";

/// How long a dump waits for its next page.
const KEEP_MS: i64 = 5 * 60_000;
/// The bytes of a page, but for a row that alone has more.
const PAGE_BYTES: u64 = 1_000_000;

/// Until when the dump waits that goes on.
///
/// # Errors
/// [`Error`], here and below when SQLite refuses.
pub fn until(sql: &impl Sql) -> Result<Option<Millis>, Error> {
    if sql.query(&FIND_DUMP, &[])?.is_empty() {
        return Ok(None);
    }
    let rows = sql.exec(READ_DUMP, &[])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut columns = Columns::of(row);
    let _ = (columns.text()?, columns.integer()?);
    Ok(Some(Millis(columns.integer()?)))
}

/// Ends the dump that goes on, if there is one.
///
/// # Errors
/// [`Error`].
pub fn end(sql: &impl Sql) -> Result<(), Error> {
    sql.atomically(&mut || {
        for row in sql.query(&DUMP_TRIGGERS, &[])? {
            sql.exec(&format!("DROP TRIGGER {}", quoted(Columns::of(&row).text()?)), &[])?;
        }
        sql.exec(DROP_CHANGES, &[])?;
        sql.exec(DROP_DUMP, &[]).map(drop)
    })
}

/// The first page. A dump that goes on ends; `name` is another's.
///
/// # Errors
/// [`Error`].
pub fn first(sql: &impl Sql, name: String, now: Millis) -> Result<Answer, Error> {
    if until(sql)?.is_some() {
        end(sql)?;
    }
    let tables = tables::tables(sql)?;
    let steps = steps::applied(sql)?;
    let mut reading = Reading::default();
    let Some((table, after)) = reading.tables(sql, &tables, 0, &[])? else {
        return Ok(reading.page(steps, None));
    };
    sql.atomically(&mut || {
        sql.exec(DUMP, &[])?;
        sql.exec(CHANGES, &[])?;
        let number = Value::Integer(i64::from(steps));
        let until = Value::Integer(now.plus(KEEP_MS).0);
        sql.exec(INSERT_DUMP, &[Value::Text(name.clone()), number, until])?;
        tables.iter().flat_map(triggers).try_for_each(|trigger| sql.exec(&trigger, &[]).map(drop))
    })?;
    Ok(reading.page(steps, Some(Cursor { dump: name, table, after })))
}

/// Another page.
///
/// # Errors
/// [`Error`].
pub fn next(sql: &impl Sql, cursor: Cursor, now: Millis) -> Result<Answer, Error> {
    if sql.query(&FIND_DUMP, &[])?.is_empty() {
        return Ok(Answer::Lost);
    }
    let steps = steps::applied(sql)?;
    if !goes_on(sql, &cursor, steps, now)? {
        return Ok(Answer::Lost);
    }
    let tables = tables::tables(sql)?;
    let mut reading = Reading::default();
    let Cursor { dump, table, after } = cursor;
    let of_changes = u32::try_from(tables.len()).unwrap_or(u32::MAX);
    let place = if table < of_changes {
        reading.tables(sql, &tables, table, &after)?.or(Some((of_changes, Vec::new())))
    } else {
        Some((of_changes, after))
    };
    let next = match place {
        Some((table, after)) if table >= of_changes => {
            reading.changes(sql, &tables, &after)?.map(|seq| (table, vec![Cell::Integer(seq)]))
        }
        next => next,
    };
    match next {
        Some((table, after)) => {
            sql.exec(PROLONG, &[Value::Integer(now.plus(KEEP_MS).0)])?;
            Ok(reading.page(steps, Some(Cursor { dump, table, after })))
        }
        None => {
            end(sql)?;
            Ok(reading.page(steps, None))
        }
    }
}

fn goes_on(sql: &impl Sql, cursor: &Cursor, steps: u32, now: Millis) -> Result<bool, Error> {
    let rows = sql.exec(READ_DUMP, &[])?;
    let Some(row) = rows.first() else { return Ok(false) };
    let mut columns = Columns::of(row);
    let (dump, of_steps, until) = (columns.text()?, columns.number::<u32>()?, columns.integer()?);
    Ok(dump == cursor.dump && of_steps == steps && until >= now.0)
}

/// What notes the changes of a table. A note of before is removed by a statement of its own: under `INSERT OR IGNORE` one that
/// is there already would stand, and a reader that is past it would miss the change.
fn triggers(table: &Table) -> [String; 3] {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let name = literal(&table.name);
    let key = |row: &str| {
        let columns = table.key.iter().map(|column| format!("{row}.{}", quoted(column)));
        format!("json_array({})", columns.collect::<Vec<_>>().join(", "))
    };
    let note = |row: &str| {
        let key = key(row);
        format!(
            "DELETE FROM _dump_changes WHERE tab = {name} AND row = {key};
            INSERT INTO _dump_changes (tab, row) VALUES ({name}, {key});"
        )
    };
    let trigger = |event: &str, notes: String| {
        let of = quoted(&format!("_dump_{event}_{}", table.name));
        format!("CREATE TRIGGER {of} AFTER {event} ON {} BEGIN {notes} END", quoted(&table.name))
    };
    [
        trigger("INSERT", note("NEW")),
        trigger("UPDATE", format!("{}\n{}", note("OLD"), note("NEW"))),
        trigger("DELETE", note("OLD")),
    ]
}

/// A page that fills.
#[derive(Default)]
struct Reading {
    rows: Vec<Rows>,
    bytes: u64,
}

impl Reading {
    fn page(self, steps: u32, next: Option<Cursor>) -> Answer {
        Answer::Page(Box::new(Page { steps, rows: self.rows, next }))
    }

    const fn room(&self) -> u64 {
        PAGE_BYTES.saturating_sub(self.bytes)
    }

    /// Reads tables from a place on; where it goes on, `None` behind the last.
    fn tables(
        &mut self,
        sql: &impl Sql,
        tables: &[Table],
        first: u32,
        after: &[Cell],
    ) -> Result<Option<(u32, Vec<Cell>)>, Error> {
        let mut after = after.to_vec();
        for (place, table) in (0_u32..).zip(tables).skip(first as usize) {
            let Some(read) = table.read(sql, &after, self.room(), self.bytes == 0)? else {
                return Ok(Some((place, after)));
            };
            self.bytes = self.bytes.saturating_add(read.bytes);
            if !read.rows.is_empty() {
                let (name, columns) = (table.name.clone(), table.columns.clone());
                self.rows.push(Rows { table: name, columns, rows: read.rows, ..Rows::default() });
            }
            if let Some(next) = read.next {
                return Ok(Some((place, next)));
            }
            after = Vec::new();
        }
        Ok(None)
    }

    /// Reads what has changed since a number; where it goes on, `None` where that is all.
    fn changes(&mut self, sql: &impl Sql, tables: &[Table], after: &[Cell]) -> Result<Option<i64>, Error> {
        let mut last = match after {
            [Cell::Integer(seq)] => *seq,
            _ => 0,
        };
        let found = sql.exec(READ_CHANGES, &[Value::Integer(last)])?;
        let mut changed: BTreeMap<String, Rows> = BTreeMap::new();
        let mut is_full = found.len() >= ROWS_AT_ONCE;
        for row in &found {
            let mut columns = Columns::of(row);
            let (seq, name) = (columns.integer()?, columns.text()?);
            let key: Vec<Cell> = columns.parsed(|json| serde_json::from_str(json).ok())?;
            let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
            let row = table.row(sql, &key)?;
            let size = row.iter().flatten().map(size).sum::<u64>();
            if self.bytes > 0 && size > self.room() {
                is_full = true;
                break;
            }
            self.bytes = self.bytes.saturating_add(size).saturating_add(1);
            let rows = changed.entry(table.name.clone()).or_insert_with(|| Rows {
                table: table.name.clone(),
                columns: table.columns.clone(),
                key: table.key.clone(),
                ..Rows::default()
            });
            match row {
                Some(row) => rows.rows.push(row),
                None => rows.gone.push(key),
            }
            last = seq;
        }
        self.rows.extend(changed.into_values());
        Ok(is_full.then_some(last))
    }
}

fn size(cell: &Cell) -> u64 {
    match cell {
        Cell::Null | Cell::Integer(_) => 8,
        Cell::Text(text) | Cell::Bytes { hex: text } | Cell::Real { real: text } => text.len() as u64,
    }
}
