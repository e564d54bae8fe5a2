//! What scripts/seed runs, and what it prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::schema;

/// A file of migrations/seed.
pub fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

pub fn folder() -> PathBuf {
    schema::root().join("migrations/seed")
}

/// Run by the node that package.json pins.
pub fn run(folder: &Path, mode: &str) -> Output {
    let node = schema::root().join("node_modules/.bin/node");
    Command::new(&node)
        .current_dir(folder)
        .arg(schema::root().join("scripts/seed.d/main.mjs"))
        .args([mode.as_ref(), folder.as_os_str()])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; scripts/install installs it", node.display()))
}

/// The SQL of the files as they are.
pub fn sql() -> String {
    let output = run(&folder(), "sql");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_sql_run_again_changes_nothing() {
    let db = schema::migrated();
    let sql = sql();
    db.execute_batch(&sql).unwrap();
    let changes = db.total_changes();
    assert!(changes > 100, "{changes}");
    db.execute_batch(&sql).unwrap();
    assert_eq!(db.total_changes(), changes);
}

#[test]
fn each_statement_fits_into_d1() {
    // https://developers.cloudflare.com/d1/platform/limits/: 100,000 bytes a statement.
    let sql = sql();
    let longest = sql.split(";\n").map(str::len).max().unwrap();
    assert!(longest < 95_000, "{longest}");
    assert!(sql.split(";\n").count() < 20);
}
