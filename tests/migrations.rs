//! The directory's schema: there and back again, and what it refuses to store.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "schema/data.rs"]
mod data;
#[path = "schema/rows.rs"]
mod rows;
mod schema;
#[path = "schema/snapshot.rs"]
mod snapshot;

use rusqlite::{Connection, ErrorCode};
use schema::{empty, migrated, migrations};

/// Everything in the database as SQLite describes it.
fn describe(db: &Connection) -> Vec<String> {
    let mut statement = db
        .prepare(
            "SELECT type || ' ' || name || ': ' || coalesce(sql, 'automatic') FROM sqlite_master ORDER BY 1",
        )
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn all_up(db: &Connection) {
    for migration in migrations() {
        db.execute_batch(&migration.up).unwrap_or_else(|error| panic!("{} up: {error}", migration.name));
    }
}

fn all_down(db: &Connection) {
    for migration in migrations().iter().rev() {
        db.execute_batch(&migration.down).unwrap_or_else(|error| panic!("{} down: {error}", migration.name));
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let migrations = migrations();
    assert!(!migrations.is_empty());
    for (index, migration) in migrations.iter().enumerate() {
        assert!(migration.name.starts_with(&format!("{:04}_", index + 1)), "{}", migration.name);
    }
}

#[test]
fn each_migration_is_undone_by_its_way_back() {
    let db = empty();
    for migration in migrations() {
        let before = describe(&db);
        db.execute_batch(&migration.up).unwrap();
        let after = describe(&db);
        assert_ne!(before, after, "{} does something", migration.name);
        db.execute_batch(&migration.down).unwrap();
        assert_eq!(describe(&db), before, "{} down", migration.name);
        db.execute_batch(&migration.up).unwrap();
        assert_eq!(describe(&db), after, "{} up again", migration.name);
    }
}

#[test]
fn all_the_way_back_leaves_nothing_and_forward_again_leaves_the_same() {
    let db = empty();
    all_up(&db);
    let first = describe(&db);
    all_down(&db);
    assert_eq!(describe(&db), Vec::<String>::new());
    all_up(&db);
    assert_eq!(describe(&db), first);
}

#[test]
fn the_way_back_works_on_a_directory_in_use() {
    let directory = Directory::new();
    directory.ok(&key("k1", "caller", "'[\"g1\"]'", &"a".repeat(64)));
    directory.ok(&agent("g1", "plain", "'key', NULL, NULL, NULL", "NULL"));
    directory.ok("INSERT INTO agent_versions VALUES ('a1', 'g1', 1, '{}', 1, 'k1')");
    all_down(&directory.0);
    assert_eq!(describe(&directory.0), Vec::<String>::new());
}

#[test]
fn every_tenant_table_is_strict_and_begins_its_key_with_the_account() {
    let db = migrated();
    let tables: Vec<(String, bool)> = db
        .prepare(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'",
        )
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(tables.len(), 25);
    for (table, strict) in tables {
        assert!(strict, "{table}");
        let first: String = db
            .query_row("SELECT name FROM pragma_table_info(?1) WHERE pk = 1", [&table], |row| row.get(0))
            .unwrap();
        let expected = match table.as_str() {
            "accounts" => "id",
            "catalogue" => "provider",
            "plans" => "plan",
            "platform_templates" => "slug",
            "flags" => "flag",
            "sweep" | "flag_rollout" => "id",
            _ => "account_id",
        };
        assert_eq!(first, expected, "{table}");
    }
}

/// A migrated database with accounts `a1` and `a2`.
struct Directory(Connection);

impl Directory {
    fn new() -> Self {
        let directory = Self(migrated());
        for id in ["a1", "a2"] {
            directory.ok(&format!("INSERT INTO accounts (id, slug, name, created_at, updated_at) VALUES ('{id}', '{id}', 'A', 1, 1)"));
        }
        directory
    }

    fn ok(&self, sql: &str) {
        self.0.execute(sql, []).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// Asserts that a constraint refuses the statement, and that its message names what was violated.
    fn refused(&self, sql: &str, named: &str) {
        match self.0.execute(sql, []) {
            Err(rusqlite::Error::SqliteFailure(error, Some(message))) => {
                assert_eq!(error.code, ErrorCode::ConstraintViolation, "{message}: {sql}");
                assert!(message.contains(named), "{message:?} does not name {named:?}: {sql}");
            }
            other => panic!("{other:?}: {sql}"),
        }
    }
}

fn key(id: &str, role: &str, agents: &str, digest: &str) -> String {
    format!(
        "INSERT INTO keys (account_id, id, name, role, agents, digest, hint, created_at)
         VALUES ('a1', '{id}', 'laptop', '{role}', {agents}, '{digest}', 'retinue_ab…wxyz', 1)"
    )
}

/// `access` is access with the three columns of the budget after it.
fn agent(id: &str, slug: &str, access: &str, archived_at: &str) -> String {
    format!(
        "INSERT INTO agents (account_id, id, slug, name, version, definition, access, budget_limit, budget_period,
         budget_action, created_at, updated_at, archived_at)
         VALUES ('a1', '{id}', '{slug}', 'Agent', 1, '{{}}', {access}, 1, 1, {archived_at})"
    )
}

#[test]
fn an_account_has_a_slug_of_its_own_and_a_known_plan() {
    let directory = Directory::new();
    let account = |id: &str, slug: &str, rest: &str| {
        format!(
            "INSERT INTO accounts (id, slug, name, plan, status, created_at, updated_at) VALUES ('{id}', '{slug}', 'A', {rest})"
        )
    };
    directory.ok(&account("a3", "acme-3", "'enterprise', 'suspended', 1, 1"));
    directory.refused(&account("a4", "acme-3", "'budget', 'active', 1, 1"), "accounts.slug");
    directory.refused(&account("a3", "acme-4", "'budget', 'active', 1, 1"), "accounts.id");
    directory.refused(&account("a4", "Acme", "'budget', 'active', 1, 1"), "slug");
    directory.refused(&account("a4", "", "'budget', 'active', 1, 1"), "slug");
    directory.refused(&account("a4", "acme-4", "'free', 'active', 1, 1"), "plan");
    directory.refused(&account("a4", "acme-4", "'budget', 'gone', 1, 1"), "status");
    directory.refused(&account("a4", "acme-4", "'budget', 'active', 'now', 1"), "INTEGER");
    directory.refused(&account("a4", "acme-4", "'budget', 'active', 2, 1"), "updated_at");
    let (plan, status): (String, String) = directory
        .0
        .query_row("SELECT plan, status FROM accounts WHERE id = 'a1'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((plan.as_str(), status.as_str()), ("standard", "active"));
}

#[test]
fn no_tenant_row_stands_without_its_account() {
    let directory = Directory::new();
    for sql in [
        "INSERT INTO members (account_id, id, email, name, role, created_at) VALUES ('a9', 'm1', 'a@example.com', 'Ann', 'admin', 1)".to_owned(),
        key("k1", "admin", "NULL", &"a".repeat(64)).replace("'a1'", "'a9'"),
        "INSERT INTO providers VALUES ('a9', 'groq', 'openai', NULL, NULL, NULL, NULL, 1, 1, NULL)".to_owned(),
        "INSERT INTO aliases VALUES ('a9', 'fast', 'openai:gpt-4.1-mini', 1)".to_owned(),
        model("models", "'a9', ", "1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL", ", 1"),
        agent("g1", "plain", "'key', NULL, NULL, NULL", "NULL").replace("'a1'", "'a9'"),
        "INSERT INTO agent_versions VALUES ('a1', 'g9', 1, '{}', 1, NULL)".to_owned(),
    ] {
        directory.refused(&sql, "FOREIGN KEY");
    }
    directory.ok(&key("k1", "admin", "NULL", &"a".repeat(64)));
    directory.refused("DELETE FROM accounts WHERE id = 'a1'", "FOREIGN KEY");
}

#[test]
fn one_person_is_one_member_of_an_account() {
    let directory = Directory::new();
    directory.ok("INSERT INTO members (account_id, id, email, name, role, created_at) VALUES ('a1', 'm1', 'ann@example.com', 'Ann', 'admin', 1)");
    directory.refused(
        "INSERT INTO members (account_id, id, email, name, role, created_at) VALUES ('a1', 'm2', 'Ann@Example.com', 'Ann', 'member', 1)",
        "members.email",
    );
    directory.ok("INSERT INTO members (account_id, id, email, name, role, created_at) VALUES ('a2', 'm1', 'Ann@Example.com', 'Ann', 'member', 1)");
    directory
        .refused("INSERT INTO members (account_id, id, email, name, role, created_at) VALUES ('a1', 'm3', 'bob@example.com', 'Bob', 'caller', 1)", "role");
}

#[test]
fn a_key_is_stored_as_a_digest_and_confined_only_when_it_is_a_callers() {
    let directory = Directory::new();
    let digest = |letter: &str| letter.repeat(64);
    directory.ok(&key("k1", "caller", "'[\"g1\"]'", &digest("a")));
    directory.ok(&key("k2", "caller", "NULL", &digest("b")));
    directory.refused(&key("k3", "caller", "NULL", &digest("a")), "keys.digest");
    directory.refused(&key("k3", "admin", "'[\"g1\"]'", &digest("c")), "agents");
    directory.refused(&key("k3", "caller", "'\"g1\"'", &digest("c")), "agents");
    directory.refused(&key("k3", "caller", "'[g1]'", &digest("c")), "agents");
    directory.refused(&key("k3", "owner", "NULL", &digest("c")), "role");
    directory.refused(&key("k3", "admin", "NULL", "retinue_abc"), "digest");
    directory.refused(&key("k3", "admin", "NULL", &digest("A")), "digest");
    directory.ok("UPDATE keys SET revoked_at = 1, expires_at = 2 WHERE id = 'k1'");
    directory.refused("UPDATE keys SET revoked_at = 0 WHERE id = 'k1'", "revoked_at");
}

#[test]
fn a_provider_key_is_whole_or_absent() {
    let directory = Directory::new();
    let provider = |name: &str, wire: &str, rest: &str| {
        format!("INSERT INTO providers VALUES ('a1', '{name}', '{wire}', {rest}, 1, 1, NULL)")
    };
    directory.ok(&provider("openai", "openai", "NULL, 'n', 'c', 'wxyz'"));
    directory.ok(&provider("local", "openai", "'http://127.0.0.1:8080/v1', NULL, NULL, NULL"));
    for half in
        ["'n', NULL, NULL", "NULL, 'c', NULL", "NULL, NULL, 'wxyz'", "'n', 'c', NULL", "NULL, 'c', 'wxyz'"]
    {
        directory.refused(&provider("groq", "openai", &format!("NULL, {half}")), "key_nonce");
    }
    directory.refused(&provider("groq", "openai", "NULL, 'n', 'c', 'vwxyz'"), "key_last4");
    directory.refused(&provider("groq", "grpc", "NULL, NULL, NULL, NULL"), "wire");
    directory.refused(&provider("Groq", "openai", "NULL, NULL, NULL, NULL"), "name");
    directory.refused(&provider(&"x".repeat(41), "openai", "NULL, NULL, NULL, NULL"), "name");
    directory.refused(&provider("groq", "openai", "'', NULL, NULL, NULL"), "base_url");
    directory.refused(&provider("local", "openai", "NULL, NULL, NULL, NULL"), "UNIQUE");
}

/// `figures` are the nine columns from input_price to long_cache_write_price.
fn model(table: &str, account: &str, figures: &str, last: &str) -> String {
    format!(
        "INSERT INTO {table} VALUES ({account}'openai', 'gpt-4.1-mini', NULL, {figures}, 1000, 100, '[\"tools\"]'{last}, NULL)"
    )
}

#[test]
fn a_price_is_never_half_a_tier() {
    for (table, account, last) in [("catalogue", "", ", '2026-11-21'"), ("models", "'a1', ", ", 1")] {
        let directory = Directory::new();
        let model = |figures: &str| model(table, account, figures, last);
        for (figures, named) in [
            ("NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL", "input_price"),
            ("1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL", "output_price"),
            ("-1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL", "input_price"),
            ("1, 9007199254740992, NULL, NULL, NULL, NULL, NULL, NULL, NULL", "output_price"),
            ("0.5, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL", "INTEGER"),
            ("1, 1, NULL, NULL, 9, NULL, NULL, NULL, NULL", "long_context_tokens"),
            ("1, 1, NULL, NULL, 9, 2, NULL, NULL, NULL", "long_context_tokens"),
            ("1, 1, NULL, NULL, NULL, 2, 2, NULL, NULL", "long_context_tokens"),
            ("1, 1, NULL, NULL, NULL, NULL, NULL, 1, NULL", "long_context_tokens"),
            ("1, 1, NULL, NULL, NULL, NULL, NULL, NULL, 1", "long_context_tokens"),
            ("1, 1, NULL, NULL, 0, 2, 2, NULL, NULL", "long_context_tokens"),
        ] {
            directory.refused(&model(figures), named);
        }
        directory.refused(
            &model("1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL").replace("'[\"tools\"]'", "'tools'"),
            "capabilities",
        );
        directory.refused(
            &model("1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL").replace("1000, 100", "0, 100"),
            "context_tokens",
        );
        directory.ok(&model("1, 1, 0, 2, 9, 2, 2, 1, 3"));
        directory.refused(&model("1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL"), "UNIQUE");
    }
    let dated = model("catalogue", "", "1, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL", ", 'today'");
    Directory::new().refused(&dated, "priced_on");
}

#[test]
fn an_agents_budget_is_whole_and_a_public_agent_has_one() {
    let directory = Directory::new();
    directory.ok(&agent("g1", "free", "'key', NULL, NULL, NULL", "NULL"));
    directory.ok(&agent("g2", "open", "'public', 0, 'day', 'block'", "NULL"));
    directory.ok(&agent("g3", "watched", "'key', 9007199254740991, 'total', 'notify'", "NULL"));
    directory.refused(&agent("g4", "x", "'public', NULL, NULL, NULL", "NULL"), "access");
    directory.refused("UPDATE agents SET access = 'public' WHERE id = 'g1'", "access");
    directory.refused(
        "UPDATE agents SET budget_limit = NULL, budget_period = NULL, budget_action = NULL WHERE id = 'g2'",
        "access",
    );
    for half in [
        "1, NULL, NULL",
        "NULL, 'day', NULL",
        "NULL, NULL, 'block'",
        "1, 'day', NULL",
        "NULL, 'day', 'block'",
    ] {
        directory.refused(&agent("g4", "x", &format!("'key', {half}"), "NULL"), "budget_limit");
    }
    directory.refused(&agent("g4", "x", "'key', -1, 'day', 'block'", "NULL"), "budget_limit");
    directory.refused(&agent("g4", "x", "'key', 9007199254740992, 'day', 'block'", "NULL"), "budget_limit");
    directory.refused(&agent("g4", "x", "'key', 1, 'week', 'block'", "NULL"), "budget_period");
    directory.refused(&agent("g4", "x", "'key', 1, 'day', 'warn'", "NULL"), "budget_action");
    directory.refused(&agent("g4", "x", "'private', 1, 'day', 'block'", "NULL"), "access");
    directory.refused("UPDATE agents SET definition = '[]' WHERE id = 'g1'", "definition");
    directory.refused("UPDATE agents SET definition = '{' WHERE id = 'g1'", "definition");
    directory.refused("UPDATE agents SET version = 0 WHERE id = 'g1'", "version");
}

#[test]
fn an_archived_agent_frees_its_slug_and_keeps_its_id() {
    let directory = Directory::new();
    let plain = "'key', NULL, NULL, NULL";
    directory.ok(&agent("g1", "triage", plain, "NULL"));
    directory.refused(&agent("g2", "triage", plain, "NULL"), "agents.slug");
    directory.ok(&agent("g2", "triage", plain, "NULL").replace("'a1'", "'a2'"));
    directory.ok("UPDATE agents SET archived_at = 2 WHERE account_id = 'a1' AND id = 'g1'");
    directory.ok(&agent("g3", "triage", plain, "NULL"));
    directory
        .refused("UPDATE agents SET archived_at = NULL WHERE account_id = 'a1' AND id = 'g1'", "agents.slug");
    directory.refused(&agent("g1", "other", plain, "NULL"), "agents.id");
    directory.ok(&agent("g4", "old", "'public', NULL, NULL, NULL", "3"));
}

#[test]
fn a_version_is_written_once() {
    let directory = Directory::new();
    directory.ok(&agent("g1", "triage", "'key', NULL, NULL, NULL", "NULL"));
    directory.ok("INSERT INTO agent_versions VALUES ('a1', 'g1', 1, '{}', 1, 'operator')");
    directory.refused("INSERT INTO agent_versions VALUES ('a1', 'g1', 1, '{}', 2, NULL)", "UNIQUE");
    directory.refused("INSERT INTO agent_versions VALUES ('a2', 'g1', 1, '{}', 1, NULL)", "FOREIGN KEY");
    directory.refused("INSERT INTO agent_versions VALUES ('a1', 'g1', 2, 'text', 1, NULL)", "definition");
    directory.refused("DELETE FROM agents WHERE id = 'g1'", "FOREIGN KEY");
}

#[test]
fn the_questions_of_a_call_are_answered_by_an_index() {
    let db = migrated();
    for (sql, index) in [
        ("SELECT * FROM accounts WHERE slug = 'x'", "sqlite_autoindex_accounts"),
        ("SELECT * FROM keys WHERE digest = 'x'", "sqlite_autoindex_keys"),
        ("SELECT * FROM keys WHERE account_id = 'a' ORDER BY id DESC LIMIT 20", "PRIMARY KEY (account_id=?)"),
        ("SELECT * FROM agents WHERE account_id = 'a' AND slug = 'x' AND archived_at IS NULL", "agents_slug"),
        ("SELECT * FROM agents WHERE account_id = 'a' AND id = 'x'", "sqlite_autoindex_agents"),
        (
            "SELECT * FROM agents WHERE account_id = 'a' AND archived_at IS NULL AND (created_at, id) < (9, 'x')
             ORDER BY created_at DESC, id DESC LIMIT 20",
            "agents_newest",
        ),
        ("SELECT * FROM catalogue WHERE provider = 'a' AND code = 'x'", "PRIMARY KEY"),
        ("SELECT * FROM models WHERE account_id = 'a' AND provider = 'p' AND code = 'x'", "PRIMARY KEY"),
    ] {
        let plan: Vec<String> = db
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap()
            .query_map([], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(plan.len() == 1 && plan[0].starts_with("SEARCH") && plan[0].contains(index), "{plan:?}: {sql}");
    }
}
