//! The directory's schema on native SQLite: the migrations as the folder has them.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

/// One migration: what `wrangler` applies, and the way back.
pub struct Migration {
    pub name: String,
    pub up: String,
    pub down: String,
}

/// All migrations, in the order of their numbers.
pub fn migrations() -> Vec<Migration> {
    let folder = root().join("migrations");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("names are UTF-8"))
        .filter(|name| name.ends_with(".sql"))
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| Migration {
            up: read(&folder.join(&name)),
            down: read(&folder.join("down").join(&name)),
            name,
        })
        .collect()
}

/// An empty database that enforces foreign keys, as D1 does.
pub fn empty() -> Connection {
    let db = Connection::open_in_memory().expect("memory is there");
    db.pragma_update(None, "foreign_keys", true).expect("SQLite knows foreign keys");
    db
}

/// A database with every migration applied.
pub fn migrated() -> Connection {
    let db = empty();
    for migration in migrations() {
        assert!(!migration.down.is_empty(), "{} has a way back", migration.name);
        db.execute_batch(&migration.up).unwrap_or_else(|error| panic!("{}: {error}", migration.name));
    }
    db
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
