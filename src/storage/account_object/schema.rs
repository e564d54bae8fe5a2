//! The object's schema, numbered; brought up to date whenever an object starts.

use super::sql::{Error, Sql, Value};

/// Each entry is applied once, in order, and never edited once released. One statement an element.
pub const MIGRATIONS: &[&[&str]] = &[&[
    // The account's numbers, one row.
    "CREATE TABLE meta (
        id         INTEGER PRIMARY KEY CHECK (id = 1),
        -- Advanced by every control-plane write; Workers' rows of another epoch are stale.
        epoch      INTEGER NOT NULL,
        -- Control-plane writes begun and not ended, and when the last one began.
        writers    INTEGER NOT NULL,
        last_begin INTEGER NOT NULL
    )",
    // What each agent has spent. What it holds is the sum of its holds.
    "CREATE TABLE agents (
        agent             TEXT PRIMARY KEY,
        total_settled     INTEGER NOT NULL,
        month_start       INTEGER NOT NULL,
        month_settled     INTEGER NOT NULL,
        day_start         INTEGER NOT NULL,
        day_settled       INTEGER NOT NULL,
        -- What may be granted beyond the holds below before the next write.
        slice             INTEGER NOT NULL,
        ttl_ms            INTEGER NOT NULL,
        -- What crashes left of slices; charged at its expiry.
        orphan            INTEGER,
        orphan_expires_at INTEGER,
        crossed_at        INTEGER
    ) WITHOUT ROWID",
    // Open calls, as far as they were written before they were settled.
    "CREATE TABLE holds (
        call       TEXT PRIMARY KEY,
        agent      TEXT NOT NULL,
        key        TEXT,
        version    INTEGER NOT NULL,
        model      TEXT NOT NULL,
        amount     INTEGER NOT NULL,
        at         INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    ) WITHOUT ROWID",
    // The ledger. Its key is also the order in which it is read, so a settled call writes one row and no index.
    "CREATE TABLE calls (
        agent               TEXT NOT NULL,
        call                TEXT NOT NULL,
        key                 TEXT,
        version             INTEGER NOT NULL,
        model               TEXT NOT NULL,
        status              TEXT NOT NULL,
        usage               TEXT NOT NULL,
        input_tokens        INTEGER NOT NULL,
        cached_input_tokens INTEGER NOT NULL,
        cache_write_tokens  INTEGER NOT NULL,
        output_tokens       INTEGER NOT NULL,
        reasoning_tokens    INTEGER NOT NULL,
        held                INTEGER NOT NULL,
        cost                INTEGER NOT NULL,
        at                  INTEGER NOT NULL,
        first_token_ms      INTEGER,
        duration_ms         INTEGER NOT NULL,
        PRIMARY KEY (agent, call)
    ) WITHOUT ROWID",
]];

/// `migrate`
pub const CREATE_VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY)";
/// `migrate`
pub const READ_VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_versions";
/// `migrate`
pub const WRITE_VERSION: &str = "INSERT INTO schema_versions (version) VALUES (?)";

/// Applies what is missing.
///
/// # Errors
/// [`Error`] when SQLite refuses, or a newer version has written here: going on could lose what it knows.
pub fn migrate(sql: &impl Sql) -> Result<(), Error> {
    sql.exec(CREATE_VERSIONS, &[])?;
    let at = match sql.exec(READ_VERSION, &[])?.first().and_then(|row| row.first()) {
        Some(Value::Integer(version)) => usize::try_from(*version).unwrap_or(usize::MAX),
        other => return Err(Error(format!("the schema's version is {other:?}"))),
    };
    if at > MIGRATIONS.len() {
        return Err(Error(format!("the object's schema is {at}, this code knows {}", MIGRATIONS.len())));
    }
    for (n, statements) in MIGRATIONS.iter().enumerate().skip(at) {
        sql.atomically(&mut || {
            for statement in *statements {
                sql.exec(statement, &[])?;
            }
            let version = i64::try_from(n + 1).unwrap_or(i64::MAX);
            sql.exec(WRITE_VERSION, &[Value::Integer(version)]).map(|_| ())
        })?;
    }
    Ok(())
}
