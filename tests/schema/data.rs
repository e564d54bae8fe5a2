//! A directory in use goes through all migrations, back, and forward again, and keeps what each schema can hold.

use rusqlite::Connection;

use crate::rows::FILLS;
use crate::schema::{Migration, empty, migrations};
use crate::snapshot::{Snapshot, differences, snapshot};

fn run(db: &Connection, name: &str, sql: &str) {
    db.execute_batch(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// Every migration applied to a directory that is filled after each; with what it held after each.
fn filled() -> (Connection, Vec<Snapshot>) {
    let db = empty();
    let mut held = Vec::new();
    for (migration, fill) in migrations().iter().zip(FILLS) {
        run(&db, &migration.name, &migration.up);
        run(&db, &migration.name, fill);
        held.push(snapshot(&db));
    }
    (db, held)
}

#[test]
fn every_migration_comes_with_rows_and_every_table_has_some() {
    assert_eq!(
        migrations().len(),
        FILLS.len(),
        "a new migration: add what only it can hold to tests/schema/rows.rs"
    );
    let (_, held) = filled();
    for ((table, column), rows) in held.last().expect("there are migrations") {
        assert!(!rows.is_empty(), "{table}.{column}");
    }
}

#[test]
fn going_forward_changes_nothing_that_was_there() {
    let db = empty();
    for (migration, fill) in migrations().iter().zip(FILLS) {
        let before = snapshot(&db);
        run(&db, &migration.name, &migration.up);
        assert_eq!(differences(&before, &snapshot(&db)), Vec::<String>::new(), "{}", migration.name);
        run(&db, &migration.name, fill);
    }
}

/// What a way back changes besides dropping what the older schema cannot hold, and why that is right.
fn expected_on_the_way_back(migration: &Migration) -> &'static [&'static str] {
    match migration.name.as_str() {
        // Agents and keys that are not to be used; the older code would let them be.
        "0002_agent_definitions.sql" => &[
            "agents 'a1' 'g4' archived_at: NULL → 6",
            "agents 'a1' 'g5' archived_at: NULL → 7",
            "keys 'a1' 'k4' revoked_at: NULL → 9",
        ],
        // A key of which the older code would not know that it is confined.
        "0006_scopes.sql" => {
            &["account_counts 'a4' lasting_keys: 2 → 1", "keys 'a4' 'k2' revoked_at: NULL → 5"]
        }
        _ => &[],
    }
}

#[test]
fn going_back_and_forward_keeps_what_the_older_schema_can_hold() {
    let (db, _) = filled();
    let mut back = Vec::new();
    for migration in migrations().iter().rev() {
        let before = snapshot(&db);
        run(&db, &migration.name, &migration.down);
        let after = snapshot(&db);
        assert_eq!(
            differences(&before, &after),
            expected_on_the_way_back(migration),
            "{} down",
            migration.name
        );
        back.push(after);
        if back.len() < migrations().len() {
            run(&db, &migration.name, &migration.up);
            let again = differences(back.last().expect("just pushed"), &snapshot(&db));
            assert_eq!(again, Vec::<String>::new(), "{} up again", migration.name);
            run(&db, &migration.name, &migration.down);
        }
    }
    assert!(snapshot(&db).is_empty(), "all the way back leaves nothing");
}

#[test]
fn what_was_there_before_a_migration_is_there_after_its_way_back() {
    let migrations = migrations();
    for last in 1..migrations.len() {
        let db = empty();
        for (migration, fill) in migrations[..last].iter().zip(FILLS) {
            run(&db, &migration.name, &migration.up);
            run(&db, &migration.name, fill);
        }
        let before = snapshot(&db);
        run(&db, &migrations[last].name, &migrations[last].up);
        run(&db, &migrations[last].name, &migrations[last].down);
        let after = snapshot(&db);
        assert_eq!(before, after, "{}", migrations[last].name);
    }
}

/// What the database has counted, and what there is to count, of every account.
fn counts(db: &Connection) -> [Vec<(String, [u32; 5])>; 2] {
    let counted = "SELECT account_id, agents, members, lasting_keys, providers, aliases FROM account_counts
        ORDER BY account_id";
    let there = "SELECT id, (SELECT count(*) FROM agents WHERE account_id = a.id AND archived_at IS NULL AND status IN
            ('draft', 'published', 'active', 'deprecated')),
        (SELECT count(*) FROM members WHERE account_id = a.id AND inactive_at IS NULL),
        (SELECT count(*) FROM keys WHERE account_id = a.id AND coalesce(revoked_at, inactive_at, expires_at) IS NULL),
        (SELECT count(*) FROM providers WHERE account_id = a.id),
        (SELECT count(*) FROM aliases WHERE account_id = a.id)
        FROM accounts AS a ORDER BY id";
    [counted, there].map(|sql| {
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
        });
        rows.unwrap().map(Result::unwrap).collect()
    })
}

#[test]
fn the_database_keeps_count_through_every_kind_of_write() {
    let (db, _) = filled();
    let [counted, there] = counts(&db);
    assert_eq!(counted, there);
    assert_eq!(counted[3], ("a4".into(), [2, 1, 2, 1, 1]), "not nothing");
    for sql in [
        "UPDATE agents SET status = 'inactive' WHERE account_id = 'a4' AND id = 'g1'",
        "UPDATE agents SET status = 'inactive', archived_at = 6 WHERE account_id = 'a4'",
        "UPDATE agents SET archived_at = NULL WHERE account_id = 'a4'",
        "UPDATE agents SET status = 'draft' WHERE account_id = 'a4'",
        "UPDATE agents SET status = 'active', name = 'Same' WHERE account_id = 'a4'",
        "UPDATE agents SET archived_at = 7 WHERE account_id = 'a1' AND archived_at IS NULL",
        "INSERT INTO agents (account_id, id, slug, name, access, version, definition, created_at, updated_at, status)
            VALUES ('a4', 'g1', 'one', 'One', 'key', 1, '{}', 5, 5, 'inactive')
            ON CONFLICT (account_id, id) DO UPDATE SET status = excluded.status",
        "DELETE FROM agents WHERE account_id = 'a4'",
        "UPDATE members SET inactive_at = iif(inactive_at IS NULL, 9, NULL)",
        "UPDATE members SET name = 'Same'",
        "DELETE FROM members WHERE account_id = 'a4'",
        "UPDATE keys SET inactive_at = 9 WHERE account_id = 'a1'",
        "UPDATE keys SET inactive_at = NULL WHERE account_id = 'a1'",
        "UPDATE keys SET revoked_at = 9 WHERE id = 'k3'",
        "UPDATE keys SET expires_at = 99 WHERE account_id = 'a4'",
        "UPDATE keys SET expires_at = NULL WHERE account_id = 'a4'",
        "DELETE FROM keys WHERE account_id = 'a4'",
        "INSERT INTO aliases VALUES ('a4', 'fast', 'local:m', 6) ON CONFLICT DO UPDATE SET updated_at = 6",
        "INSERT INTO aliases VALUES ('a4', 'smart', 'local:m', 6) ON CONFLICT DO UPDATE SET updated_at = 6",
        "DELETE FROM aliases WHERE account_id = 'a4' AND name = 'fast'",
        "DELETE FROM providers",
    ] {
        assert_ne!(db.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}")), 0, "{sql}");
        let [counted, there] = counts(&db);
        assert_eq!(counted, there, "{sql}");
    }
}

#[test]
fn what_is_counted_at_once_is_what_was_counted_one_by_one() {
    let (db, held) = filled();
    let counts = migrations().into_iter().find(|migration| migration.name == "0003_counts.sql");
    let counts = counts.expect("it is a migration");
    run(&db, "down", &counts.down);
    run(&db, "up", &counts.up);
    assert_eq!(differences(held.last().expect("there are"), &snapshot(&db)), Vec::<String>::new());
}

#[test]
fn the_database_lists_what_models_can_do_as_it_changes() {
    let (db, _) = filled();
    let listed = "SELECT group_concat(code || ' ' || capability, ', ') FROM (
        SELECT code, capability FROM model_capabilities WHERE account_id = 'a1' ORDER BY 1, 2)";
    let listed =
        || db.query_row(listed, [], |row| row.get::<_, Option<String>>(0)).unwrap().unwrap_or_default();
    assert_eq!(listed(), "m streaming, m tools");
    for (sql, expected) in [
        (
            r#"UPDATE models SET capabilities = '["tools","tools","images"]' WHERE code = 'm'"#,
            "m images, m tools",
        ),
        (r#"UPDATE models SET capabilities = '["tools"]' WHERE code = 'n'"#, "m images, m tools, n tools"),
        ("UPDATE models SET code = code, name = 'N'", "m images, m tools, n tools"),
        (
            r#"INSERT INTO models SELECT * FROM models WHERE code = 'm' ON CONFLICT DO UPDATE SET capabilities = '[]'"#,
            "n tools",
        ),
        ("DELETE FROM models", ""),
    ] {
        assert_ne!(db.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}")), 0, "{sql}");
        assert_eq!(listed(), expected, "{sql}");
    }
}
