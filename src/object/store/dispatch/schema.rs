//! The schema of a dispatch object.

use crate::object::store::effects;
use crate::object::store::steps::Step;

/// See [`crate::object::store::steps`] for what a step may do.
pub const STEPS: &[Step] = &[INDEX, DUE, CLAIMS];

const INDEX: Step = &[
    effects::TABLE,
    // Threads and runs. Every list is a range of one index, newest first.
    "CREATE TABLE entries (
        -- Of a thread the 32 hexadecimal digits of its key, of a run its id: a thread and its runs stand together.
        id         TEXT PRIMARY KEY,
        -- 0: a thread, 1: a run, 2: a thread that was deleted, kept for a while lest something late revive it.
        kind       INTEGER NOT NULL,
        -- Of the thread's last delivery; 0 for runs.
        version    INTEGER NOT NULL,
        agent      TEXT NOT NULL,
        status     TEXT NOT NULL,
        user       TEXT,
        -- A JSON list.
        labels     TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        -- What lists show, as JSON.
        shown      TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX entries_by_time ON entries (kind, created_at, id)",
    "CREATE INDEX entries_by_agent ON entries (kind, agent, created_at, id)",
    "CREATE INDEX entries_by_status ON entries (kind, status, created_at, id)",
    "CREATE INDEX entries_by_user ON entries (kind, user, created_at, id) WHERE user IS NOT NULL",
    "CREATE INDEX threads_by_update ON entries (updated_at, id) WHERE kind = 0",
    "CREATE INDEX threads_by_user ON entries (user, updated_at, id) WHERE kind = 0 AND user IS NOT NULL",
    "CREATE TABLE labels (
        kind       INTEGER NOT NULL,
        label      TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        id         TEXT NOT NULL,
        PRIMARY KEY (kind, label, created_at, id)
    ) WITHOUT ROWID",
];

const DUE: Step = &[
    // Of a thread, when its object is awake next; of one that was asked to wake, when that was.
    "ALTER TABLE entries ADD COLUMN due_at INTEGER",
    "CREATE INDEX threads_by_due ON entries (due_at) WHERE due_at IS NOT NULL",
];

const CLAIMS: Step = &[
    // Of a thread, the bytes of what is said in it.
    "ALTER TABLE entries ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    // Room for what is about to be made ([`crate::domain::dispatch::claim`]).
    "CREATE TABLE claims (
        id        TEXT PRIMARY KEY,
        -- As the index names it.
        thread    TEXT NOT NULL,
        -- Whether the thread itself takes room.
        is_thread INTEGER NOT NULL,
        -- Whether a run does, and which, once that is known.
        is_run    INTEGER NOT NULL,
        run       TEXT,
        until     INTEGER NOT NULL
    ) WITHOUT ROWID",
];
