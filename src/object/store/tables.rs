//! Tables as they are, whatever machine they are of: for backups. Their names come from SQLite itself, so these statements
//! are made when they are run.

use crate::domain::backup::rows::{Cell, Rows};
use crate::object::sql::{Error, Sql, Value};
use crate::object::store::columns::Columns;
use crate::sql::queries;

queries! {
    /// `tables`: without those of virtual tables, which their machine makes again.
    TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name";
    /// `tables`
    COLUMNS_OF = "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid";
    /// `wipe`: virtual ones first, which take theirs with them.
    ALL_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('virtual', 'table') ORDER BY type DESC";
}

/// What the platform, the local one and SQLite keep for themselves.
const FOREIGN: [&str; 3] = ["_cf_", "__", "sqlite_"];
/// What dumps, restores and scrubbing do.
const OWN: [&str; 3] = ["_dump", "_restore", "_scrub"];
/// They are made by the schema's steps.
const OF_STEPS: [&str; 2] = ["schema_steps", "schema_versions"];

/// A table, and by which columns a row is told from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<String>,
    pub key: Vec<String>,
}

/// A name in a statement.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list(names: &[String], each: impl Fn(&str) -> String) -> String {
    names.iter().map(|name| each(&quoted(name))).collect::<Vec<_>>().join(", ")
}

fn begins(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// The tables that a backup holds, in the order of their names.
///
/// # Errors
/// [`Error::Storage`], here and below when SQLite refuses.
pub fn tables(sql: &impl Sql) -> Result<Vec<Table>, Error> {
    let rows = sql.query(&TABLES, &[])?;
    let names = rows.iter().map(|row| Columns::of(row).text().map(str::to_owned));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let is_kept =
        |name: &String| !begins(name, &FOREIGN) && !begins(name, &OWN) && !OF_STEPS.contains(&name.as_str());
    names.into_iter().filter(is_kept).map(|name| table(sql, name)).collect()
}

fn table(sql: &impl Sql, name: String) -> Result<Table, Error> {
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for row in sql.query(&COLUMNS_OF, &[Value::Text(name.clone())])? {
        let mut row = Columns::of(&row);
        let (column, place) = (row.text()?.to_owned(), row.integer()?);
        if place > 0 {
            key.push((place, column.clone()));
        }
        columns.push(column);
    }
    key.sort_unstable();
    let mut key: Vec<String> = key.into_iter().map(|(_, column)| column).collect();
    if key.is_empty() {
        key.push("rowid".to_owned());
        columns.insert(0, "rowid".to_owned());
    }
    Ok(Table { name, columns, key })
}

/// Drops everything.
///
/// # Errors
/// [`Error::Storage`].
pub fn wipe(sql: &impl Sql) -> Result<(), Error> {
    for row in sql.query(&ALL_TABLES, &[])? {
        let name = Columns::of(&row).text()?.to_owned();
        if !begins(&name, &FOREIGN) {
            sql.exec(&format!("DROP TABLE {}", quoted(&name)), &[])?;
        }
    }
    Ok(())
}

/// The most rows that are read at once.
pub const ROWS_AT_ONCE: usize = 1_000;
/// What a row takes beside its cells.
const ROW_BYTES: u64 = 16;

/// What was read of a table.
#[derive(Debug)]
pub struct Read {
    pub rows: Vec<Vec<Cell>>,
    pub bytes: u64,
    /// The key of the last row; `None` where these are all.
    pub next: Option<Vec<Cell>>,
}

impl Table {
    /// Rows behind a key, in its order: as many as there is room for. `None` where there is none for the next.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn read(
        &self,
        sql: &impl Sql,
        after: &[Cell],
        room: u64,
        is_first: bool,
    ) -> Result<Option<Read>, Error> {
        let key = list(&self.key, str::to_owned);
        let marks = list(&self.key, |_| "?".to_owned());
        let behind = if after.is_empty() { String::new() } else { format!("WHERE ({key}) > ({marks})") };
        let values: Vec<Value> = after.iter().map(value).collect();
        let sizes =
            self.columns.iter().map(|column| format!("coalesce(octet_length({}), 0)", quoted(column)));
        let sizes = sizes.collect::<Vec<_>>().join(" + ");
        let from = format!("FROM {} {behind} ORDER BY {key}", quoted(&self.name));
        let found = sql.exec(&format!("SELECT {sizes} {from} LIMIT {}", ROWS_AT_ONCE + 1), &values)?;
        let (mut count, mut bytes) = (0, 0_u64);
        for row in &found {
            let size = Columns::of(row).number::<u64>()?.saturating_add(ROW_BYTES);
            let is_forced = is_first && count == 0;
            if count >= ROWS_AT_ONCE || bytes.saturating_add(size) > room && !is_forced {
                break;
            }
            bytes = bytes.saturating_add(size);
            count += 1;
        }
        if count == 0 && !found.is_empty() {
            return Ok(None);
        }
        let select = format!("SELECT {} {from} LIMIT {count}", list(&self.columns, marked));
        let rows = sql.exec(&select, &values)?;
        let rows = rows.into_iter().map(cells).collect::<Result<Vec<_>, _>>()?;
        let next = rows.last().filter(|_| count < found.len()).map(|row| self.key_of(row));
        Ok(Some(Read { rows, bytes, next }))
    }

    /// The row with this key.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn row(&self, sql: &impl Sql, key: &[Cell]) -> Result<Option<Vec<Cell>>, Error> {
        let select = format!(
            "SELECT {} FROM {} WHERE {}",
            list(&self.columns, marked),
            quoted(&self.name),
            equal(&self.key)
        );
        let values: Vec<Value> = key.iter().map(value).collect();
        sql.exec(&select, &values)?.into_iter().next().map(cells).transpose()
    }

    fn key_of(&self, row: &[Cell]) -> Vec<Cell> {
        let place = |name: &String| self.columns.iter().position(|column| column == name);
        self.key.iter().filter_map(|name| row.get(place(name)?).cloned()).collect()
    }

    /// Why these rows cannot be written.
    pub fn misfit(&self, rows: &Rows) -> Option<String> {
        let name = &self.name;
        if let Some(column) = rows.columns.iter().find(|column| !self.columns.contains(column)) {
            return Some(format!("the table {name} has no column {column}"));
        }
        if rows.rows.iter().any(|row| row.len() != rows.columns.len()) {
            return Some(format!(
                "a row of the table {name} has another number of cells than there are columns"
            ));
        }
        let is_key = rows.gone.is_empty() || rows.key == self.key;
        let fits = is_key && rows.gone.iter().all(|key| key.len() == self.key.len());
        (!fits).then(|| format!("what is gone from the table {name} is not named by its key"))
    }

    /// Writes rows in place of those with their keys, and removes those that are gone.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn write(&self, sql: &impl Sql, rows: &Rows) -> Result<(), Error> {
        let (name, columns) = (quoted(&self.name), list(&rows.columns, str::to_owned));
        for row in &rows.rows {
            let marks = row.iter().map(mark).collect::<Vec<_>>().join(", ");
            let values: Vec<Value> = row.iter().map(value).collect();
            sql.exec(&format!("INSERT OR REPLACE INTO {name} ({columns}) VALUES ({marks})"), &values)?;
        }
        for key in &rows.gone {
            let values: Vec<Value> = key.iter().map(value).collect();
            sql.exec(&format!("DELETE FROM {name} WHERE {}", equal(&self.key)), &values)?;
        }
        Ok(())
    }
}

fn equal(key: &[String]) -> String {
    key.iter().map(|column| format!("{} = ?", quoted(column))).collect::<Vec<_>>().join(" AND ")
}

/// A column as it is read: what is no number says by its first letter what it is, for bytes and fractions do not pass.
fn marked(column: &str) -> String {
    format!(
        "CASE typeof({column}) WHEN 'text' THEN 't' || {column} WHEN 'blob' THEN 'b' || hex({column})
        WHEN 'real' THEN 'r' || format('%!.17g', {column}) ELSE {column} END"
    )
}

fn cells(row: Vec<Value>) -> Result<Vec<Cell>, Error> {
    row.into_iter().map(cell).collect()
}

fn cell(value: Value) -> Result<Cell, Error> {
    match value {
        Value::Null => Ok(Cell::Null),
        Value::Integer(number) => Ok(Cell::Integer(number)),
        Value::Text(mut text) => {
            let rest = if text.is_empty() { String::new() } else { text.split_off(1) };
            match text.as_str() {
                "t" => Ok(Cell::Text(rest)),
                "b" => Ok(Cell::Bytes { hex: rest }),
                "r" => Ok(Cell::Real { real: rest }),
                _ => Err(Error::Decode("a cell does not say what it is".to_owned())),
            }
        }
        Value::Damaged => Err(Error::Decode("a cell cannot be read".to_owned())),
    }
}

/// As a value is bound; what it is says [`mark`].
fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Text(text) | Cell::Bytes { hex: text } | Cell::Real { real: text } => Value::Text(text.clone()),
    }
}

/// Numbers pass as fractions, and only a cast makes them whole again where the column says nothing.
const fn mark(cell: &Cell) -> &'static str {
    match cell {
        Cell::Null | Cell::Text(_) => "?",
        Cell::Integer(_) => "CAST(? AS INTEGER)",
        Cell::Bytes { .. } => "unhex(?)",
        Cell::Real { .. } => "CAST(? AS REAL)",
    }
}
