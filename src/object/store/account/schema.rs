//! The schema of the account's object.

use crate::object::store::steps::Step;
use crate::object::store::{declared, effects};

/// See [`crate::object::store::steps`] for what a step may do.
pub const STEPS: &[Step] = &[LEDGER, EFFECTS, DECLARED, RUNS];

/// The run that made a call.
const RUNS: Step = &["ALTER TABLE calls ADD COLUMN run TEXT"];

const DECLARED: Step = &[declared::TABLE];

/// The account's host keeps its effects like any other's, though an account has none yet.
const EFFECTS: Step = &[effects::TABLE];

const LEDGER: Step = &[
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
    // The ledger. Its key is also the order in which it is read, so a settled call writes one row and no
    // index.
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
];
