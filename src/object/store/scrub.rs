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
/// What is written besides, and how much a disk grows before that is noted.
const SLACK: u64 = 256 * 1_024;
const STEP: u64 = 64 * 1_024;
/// Rows of zeros, in pairs that fill whole pages of 4,096 bytes, to the last byte: of the first 4,022 bytes are on the table's page,
/// the rest are 60 overflow pages of 4,092 bytes; the second fills what is left of the table's page. A page that is filled in part
/// keeps what was there.
const CHUNK: u64 = 4_018 + 4_092 * 60;
const REST: u64 = 50;
/// What a pair takes.
const PAIR_BYTES: u64 = 61 * 4_096;
/// How many pairs a table has: the numbers of its rows have one byte.
const PAIRS: u64 = 60;

/// What is known of a disk beside what the object says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The most bytes that were ever in use, about: the file has as many.
    most: u64,
    /// What was overwritten may still stand in the log that SQLite keeps while the file is open.
    pub is_in_log: bool,
}

const STATE: &str =
    "CREATE TABLE IF NOT EXISTS _scrub_state (id INTEGER PRIMARY KEY CHECK (id = 1), most INTEGER NOT NULL,
    is_in_log INTEGER NOT NULL)";

impl Footprint {
    /// # Errors
    /// [`Error`], here and below when SQLite refuses.
    pub fn load(sql: &impl Sql) -> Result<Self, Error> {
        if sql.exec("SELECT 1 FROM sqlite_master WHERE name = '_scrub_state'", &[])?.is_empty() {
            return Ok(Self::default());
        }
        let rows = sql.exec("SELECT most, is_in_log FROM _scrub_state", &[])?;
        let Some(row) = rows.first() else { return Ok(Self::default()) };
        let mut columns = Columns::of(row);
        Ok(Self { most: columns.number()?, is_in_log: columns.integer()? == 1 })
    }

    fn write(self, sql: &impl Sql) -> Result<(), Error> {
        sql.exec(STATE, &[])?;
        let values = [Value::from(self.most), Value::Integer(i64::from(self.is_in_log))];
        let write = "INSERT INTO _scrub_state (id, most, is_in_log) VALUES (1, ?, ?)
            ON CONFLICT (id) DO UPDATE SET most = excluded.most, is_in_log = excluded.is_in_log";
        sql.exec(write, &values).map(drop)
    }

    /// Notes how much is in use, within a write.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn note(&mut self, sql: &impl Sql) -> Result<(), Error> {
        let used = sql.used_bytes()?;
        if used > self.most.max(SLACK / 2).saturating_add(STEP) {
            self.most = used;
            self.write(sql)?;
        }
        Ok(())
    }

    /// At the end of a write: what is free is overwritten, or else it is noted how much is in use.
    ///
    /// # Errors
    /// [`Error`].
    pub fn settle(&mut self, sql: &impl Sql, is_to_scrub: bool) -> Result<(), Error> {
        if is_to_scrub { self.scrub(sql) } else { self.note(sql) }
    }

    /// Overwrites what is free. A large disk is left as it is.
    ///
    /// # Errors
    /// [`Error`].
    fn scrub(&mut self, sql: &impl Sql) -> Result<(), Error> {
        let used = sql.used_bytes()?;
        self.most = self.most.max(used);
        if self.most > MAX_BYTES {
            return Ok(());
        }
        self.is_in_log = true;
        // The page of what is known itself may be one that was used before.
        sql.exec("DROP TABLE IF EXISTS _scrub_state", &[])?;
        let tables = tables::tables(sql)?;
        self.fill(sql)?;
        self.write(sql)?;
        // No page that is freed is used again before it is filled.
        let mut indexes = Vec::new();
        for (nth, table) in tables.iter().enumerate() {
            indexes.extend(again(sql, table, nth)?);
        }
        for nth in 0..tables.len() {
            sql.exec(&format!("DROP TABLE IF EXISTS _scrub_{nth}"), &[])?;
        }
        self.fill(sql)?;
        indexes.iter().try_for_each(|statement| sql.exec(statement, &[]).map(drop))?;
        self.write(sql)
    }

    /// The log is empty, or is about to be.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub fn leave(&mut self, sql: &impl Sql) -> Result<(), Error> {
        self.is_in_log = false;
        self.write(sql)
    }

    /// Takes the free pages, fills them with zeros and gives them back.
    fn fill(&mut self, sql: &impl Sql) -> Result<(), Error> {
        let free = self.most.saturating_sub(sql.used_bytes()?).saturating_add(SLACK);
        let mut left = free.div_ceil(PAIR_BYTES);
        for table in 0.. {
            if left == 0 {
                break;
            }
            let pairs = left.min(PAIRS);
            left -= pairs;
            sql.exec(&format!("CREATE TABLE _scrub_zeros_{table} (zeros BLOB)"), &[])?;
            let row = format!("INSERT INTO _scrub_zeros_{table} (zeros) VALUES (zeroblob(?))");
            for size in (0..pairs).flat_map(|_| [CHUNK, REST]) {
                sql.exec(&row, &[Value::from(size)])?;
            }
        }
        self.most = self.most.max(sql.used_bytes()?);
        for table in 0..free.div_ceil(PAIR_BYTES).div_ceil(PAIRS) {
            sql.exec(&format!("DROP TABLE _scrub_zeros_{table}"), &[])?;
        }
        Ok(())
    }
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
