//! The schema of a dispatch object.

use crate::object::store::steps::Step;
use crate::object::store::{declared, effects};

/// See [`crate::object::store::steps`] for what a step may do.
pub const STEPS: &[Step] = &[INDEX, DUE, WEBHOOKS, CLAIMS, VOICES];

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

const WEBHOOKS: Step = &[
    // Whose object it is; one row.
    "CREATE TABLE owner (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        account   TEXT NOT NULL,
        -- Of a copy, when it was made.
        copied_at INTEGER
    )",
    // As the account's object has them.
    declared::TABLE,
    // Of a run, the number of its last wait that webhooks have heard of.
    "ALTER TABLE entries ADD COLUMN heard_wait INTEGER NOT NULL DEFAULT 0",
    // Messages to webhooks.
    "CREATE TABLE notices (
        -- The same for the same event of the same run, see `domain::webhook::message_id`.
        id          TEXT PRIMARY KEY,
        webhook     TEXT NOT NULL,
        -- NULL of a test.
        run         TEXT,
        event       TEXT NOT NULL,
        -- 0: to be sent, 1: taken, 2: given up.
        state       INTEGER NOT NULL,
        attempts    INTEGER NOT NULL,
        created_at  INTEGER NOT NULL,
        -- Of the first attempt.
        first_at    INTEGER,
        -- Of one that is to be sent; of any other it is NULL, and it has an end.
        due_at      INTEGER,
        ended_at    INTEGER,
        -- Of the last attempt.
        last_status INTEGER,
        last_error  TEXT,
        -- What it says, from the first attempt on.
        body        TEXT
    )",
    "CREATE INDEX notices_due ON notices (webhook, due_at) WHERE state = 0",
    "CREATE INDEX notices_ended ON notices (state, ended_at)",
    "CREATE INDEX notices_of_webhook ON notices (webhook, created_at, id)",
    "CREATE INDEX notices_of_run ON notices (run) WHERE run IS NOT NULL",
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
        -- Whether it is room for a memory; `thread` is then the name of the object that keeps it.
        is_memory INTEGER NOT NULL DEFAULT 0,
        until     INTEGER NOT NULL
    ) WITHOUT ROWID",
    // The account's objects that keep memories, for who must find all of them, and how much each has.
    "CREATE TABLE places (
        name     TEXT PRIMARY KEY,
        -- Of what is counted: the highest that has come counts.
        version  INTEGER NOT NULL DEFAULT 0,
        memories INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID",
    // Of an agent, the threads that nothing has changed the longest.
    "CREATE INDEX threads_by_agent_update ON entries (agent, updated_at, id) WHERE kind = 0",
    // In `entries`, as kinds: 3: a run that counts, of a thread that is made for one call; 4: one whose thread is kept for a while.
    "CREATE INDEX kept_by_update ON entries (updated_at) WHERE kind = 4",
    // Persons of whom all goes ([`crate::domain::erasure`]).
    "CREATE TABLE erasures (
        id           TEXT PRIMARY KEY,
        digest       TEXT NOT NULL,
        -- Until all is gone.
        user         TEXT,
        -- The key that asked.
        requested_by TEXT NOT NULL,
        requested_at INTEGER NOT NULL,
        finished_at  INTEGER,
        threads      INTEGER NOT NULL,
        runs         INTEGER NOT NULL,
        memories     INTEGER NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX erasures_of_user ON erasures (digest, requested_at)",
    "CREATE INDEX erasures_running ON erasures (id) WHERE user IS NOT NULL",
    // Persons of whom nothing goes.
    "CREATE TABLE legal_holds (
        user      TEXT PRIMARY KEY,
        reason    TEXT,
        placed_by TEXT NOT NULL,
        placed_at INTEGER NOT NULL
    ) WITHOUT ROWID",
];

/// What persons have said in runs of others ([`crate::domain::thread::voice`]).
const VOICES: Step = &[
    // In `entries`, as a kind: 5: somebody who has spoken in a thread. Of an erasure, what of that has gone.
    "ALTER TABLE erasures ADD COLUMN items INTEGER NOT NULL DEFAULT 0",
];
