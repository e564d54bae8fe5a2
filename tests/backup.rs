//! scripts/backup and scripts/restore on the real local D1: what comes out goes in again cell for cell, and what is there
//! is not overwritten by accident, nor by halves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "schema/rows.rs"]
mod rows;
mod schema;
#[path = "schema/snapshot.rs"]
mod snapshot;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use snapshot::{Snapshot, differences, snapshot};

/// A state folder of its own, as `scripts/dev --state` has one; removed at the test's end.
struct State(PathBuf);

impl State {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("backup-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The database's file, which is there once wrangler has touched it.
    fn open(&self) -> Connection {
        let folder = self.0.join("v3/d1/miniflare-D1DatabaseObject");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| {
            file.extension().is_some_and(|end| end == "sqlite") && !file.ends_with("metadata.sqlite")
        });
        let [file] = files.as_slice() else { panic!("{files:?}") };
        Connection::open(file).unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        snapshot(&self.open())
    }

    fn migrate(&self) {
        ok(run("wrangler", &["d1", "migrations", "apply", "DB", "--local", "--persist-to", self.path()]));
    }

    /// Every migration's rows, and one of each length that no statement of D1 takes.
    fn fill(&self) {
        let db = self.open();
        for fill in rows::FILLS {
            db.execute_batch(fill).unwrap();
        }
        let instructions = "Zitat: 'ja'\\n \u{1F600} BEGIN TRANSACTION; ".repeat(7_000);
        let definition = serde_json::json!({ "instructions": instructions }).to_string();
        assert!(definition.len() > 250_000);
        let insert = "INSERT INTO agents (account_id, id, slug, name, access, version, definition, created_at, updated_at)
            VALUES ('a1', ?1, ?1, ?2, 'key', 1, ?3, 1, 1)";
        db.execute(insert, ["long", "Long\u{0}\r\n", &definition]).unwrap();
        let change = "INSERT INTO changes VALUES ('a1', 'c9', 1, 'k1', 'update', 'agent', 'long', ?1, ?1)";
        db.execute(change, [&definition]).unwrap();
    }

    fn indexes_and_triggers(&self) -> Vec<String> {
        let db = self.open();
        let sql = "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY name";
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn backup(&self) -> (PathBuf, String) {
        let file = self.0.join("backup.sql");
        ok(run("backup", &["--state", self.path(), file.to_str().unwrap()]));
        let text = fs::read_to_string(&file).unwrap();
        (file, text)
    }

    fn restore(&self, file: &Path, force: bool) -> Output {
        let mut words = vec!["--state", self.path(), file.to_str().unwrap()];
        words.extend(force.then_some("--force"));
        run("restore", &words)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // Left over, it would lie in the target folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(schema::root().join("scripts").join(script));
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn ok(output: Output) {
    assert!(output.status.success(), "{}", said(&output));
}

#[track_caller]
fn same(state: &State, original: &Snapshot, when: &str) {
    let found = state.snapshot();
    assert_eq!(differences(original, &found), Vec::<String>::new(), "{when}");
    assert!(original.keys().eq(found.keys()), "{when}: other tables or columns");
}

#[track_caller]
fn refused(output: &Output, because: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    assert!(said(output).contains(because), "{}", said(output));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stderr.as_slice(), &output.stdout].concat()).into_owned()
}

/// The backup with a statement more before its last two lines, and the digest that fits.
fn with(text: &str, statement: &str) -> String {
    let rows = text.rfind("-- rows ").unwrap();
    let sum = text.rfind("-- sha256 ").unwrap();
    let body = format!("{}{statement}\n{}", &text[..rows], &text[rows..sum]);
    let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{body}-- sha256 {digest}\n")
}

#[test]
fn what_is_backed_up_is_restored_cell_for_cell_and_all_or_nothing() {
    let here = State::new("here");
    here.migrate();
    let native = snapshot(&schema::migrated());
    assert_eq!(differences(&native, &here.snapshot()), Vec::<String>::new(), "native tests see what D1 has");
    here.fill();
    let original = here.snapshot();
    let (file, text) = here.backup();
    same(&here, &original, "a backup changes nothing");
    assert!(text.split(";\n").all(|statement| statement.len() < 100_000), "D1 takes every statement");

    let there = State::new("there");
    ok(there.restore(&file, false));
    same(&there, &original, "in a wholly empty database");
    assert_eq!(there.indexes_and_triggers(), here.indexes_and_triggers());

    there
        .open()
        .execute_batch(
            "UPDATE accounts SET name = 'Theirs'; DROP TABLE changes; CREATE TABLE own (id PRIMARY KEY)",
        )
        .unwrap();
    let theirs = there.snapshot();
    refused(&there.restore(&file, false), "that directory has 4 accounts; --force throws them away");
    fs::write(there.0.join("damaged.sql"), text.replacen("enterprise", "budget", 1)).unwrap();
    refused(&there.restore(&there.0.join("damaged.sql"), true), "the backup was changed or damaged");
    fs::write(there.0.join("cut.sql"), &text.as_bytes()[..text.len() / 2]).unwrap();
    refused(&there.restore(&there.0.join("cut.sql"), true), "the backup is cut off");
    let failing = with(&text, "INSERT INTO aliases VALUES ('nobody', 'fast', 'openai:gpt-4.1-mini', 1);");
    fs::write(there.0.join("failing.sql"), failing).unwrap();
    refused(&there.restore(&there.0.join("failing.sql"), true), "FOREIGN KEY");
    same(&there, &theirs, "no refused restore changes anything");

    ok(there.restore(&file, true));
    same(&there, &original, "over what was there");
}

#[test]
fn nothing_is_restored_where_the_file_of_the_objects_is_damaged() {
    let here = State::new("objects");
    here.migrate();
    here.fill();
    let (_, text) = here.backup();
    let before = here.snapshot();
    let folder = here.0.join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("directory.sql"), text).unwrap();
    fs::write(folder.join("objects.jsonl.gz"), "not so").unwrap();
    refused(&here.restore(&folder, true), "the backup is cut off");
    same(&here, &before, "a refused restore changes nothing");
}

#[test]
fn a_migrated_and_seeded_database_without_accounts_is_restored_into_and_an_older_backup_says_what_it_lacks() {
    let old = State::new("old");
    old.migrate();
    let db = old.open();
    let migrations = schema::migrations();
    let newest = migrations.last().unwrap();
    db.execute_batch(&newest.down).unwrap();
    db.execute("DELETE FROM d1_migrations WHERE name = ?1", [&newest.name]).unwrap();
    db.execute_batch(rows::FILLS[0]).unwrap();
    drop(db);
    let (file, _) = old.backup();
    let original = old.snapshot();

    let new = State::new("new");
    new.migrate();
    ok(run("seed", &["--state", new.path()]));
    let output = new.restore(&file, false);
    assert!(said(&output).contains(&format!("its schema lacks {}", newest.name)), "{}", said(&output));
    ok(output);
    same(&new, &original, "in a seeded database");
    new.migrate();
    let differences = differences(&original, &new.snapshot());
    assert!(differences.iter().all(|cell| cell.starts_with("d1_migrations ")), "{differences:#?}");
}
