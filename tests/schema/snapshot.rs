//! Everything that a database holds, cell by cell, and what differs between two of them.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

/// Table and column → key of the row → the value, as SQLite quotes it.
pub type Snapshot = BTreeMap<(String, String), BTreeMap<String, String>>;

pub fn snapshot(db: &Connection) -> Snapshot {
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'";
    let mut cells = Snapshot::new();
    for table in texts(db, tables) {
        let key = texts(db, &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk"));
        let key: Vec<_> = key.iter().map(|column| format!("quote(\"{column}\")")).collect();
        for column in texts(db, &format!("SELECT name FROM pragma_table_info('{table}')")) {
            let sql = format!("SELECT {}, quote(\"{column}\") FROM \"{table}\"", key.join(" || ' ' || "));
            let mut statement = db.prepare(&sql).expect("the columns exist");
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("it runs");
            let rows = rows.map(|row| row.expect("both are texts")).collect();
            cells.insert((table.clone(), column), rows);
        }
    }
    cells
}

/// What differs in the columns that both have, as `table key column: before → after`.
pub fn differences(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for ((table, column), rows) in before {
        let Some(others) = after.get(&(table.clone(), column.clone())) else { continue };
        let keys: BTreeSet<_> = rows.keys().chain(others.keys()).collect();
        for key in keys {
            let [before, after] = [rows, others].map(|rows| rows.get(key).map_or("nothing", String::as_str));
            if before != after {
                found.push(format!("{table} {key} {column}: {before} → {after}"));
            }
        }
    }
    found
}

fn texts(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("it is SQL");
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.map(|row| row.expect("a text")).collect()
}
