//! The schema of a thread's object.

use crate::object::store::effects;
use crate::object::store::steps::Step;

/// See [`crate::object::store::steps`] for what a step may do.
pub const STEPS: &[Step] = &[THREAD, KEYS, COMPACTION, VOICES];

const THREAD: Step = &[
    effects::TABLE,
    // The thread itself, one row, as JSON.
    "CREATE TABLE thread (
        id   INTEGER PRIMARY KEY CHECK (id = 1),
        body TEXT NOT NULL
    )",
    // The transcript.
    "CREATE TABLE items (
        position INTEGER PRIMARY KEY,
        -- 0: appended without a run.
        run      INTEGER NOT NULL,
        entry    INTEGER NOT NULL,
        step     INTEGER NOT NULL,
        at       INTEGER NOT NULL,
        -- Of the whole message.
        bytes    INTEGER NOT NULL,
        -- As `domain::message::stored` writes it; the first piece of one that is too long for a row.
        message  TEXT NOT NULL
    )",
    // The further pieces of long messages.
    "CREATE TABLE pieces (
        position INTEGER NOT NULL,
        piece    INTEGER NOT NULL,
        text     TEXT NOT NULL,
        PRIMARY KEY (position, piece)
    ) WITHOUT ROWID",
    // Every run, as JSON. Those that are not over are listed in the thread's row.
    "CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        body   TEXT NOT NULL
    )",
    // What runs did, as JSON, in the order in which it ended.
    "CREATE TABLE steps (
        run  INTEGER NOT NULL,
        nth  INTEGER NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (run, nth)
    ) WITHOUT ROWID",
    // The events of one write, as a JSON list. A piece of a text that was sent in several is here as one, under the last number.
    "CREATE TABLE events (
        -- Of the last of them.
        position INTEGER PRIMARY KEY,
        at       INTEGER NOT NULL,
        events   TEXT NOT NULL
    )",
    // What was answered to calls that waited, for ever: an answer counts once.
    "CREATE TABLE answers (
        run    INTEGER NOT NULL,
        entry  INTEGER NOT NULL,
        at     INTEGER NOT NULL,
        answer TEXT NOT NULL,
        PRIMARY KEY (run, entry)
    ) WITHOUT ROWID",
];

/// Requests that count once, for a day.
const KEYS: Step = &[
    "CREATE TABLE keys (
        -- A hash of the caller's agent, the path and the client's key.
        id   TEXT PRIMARY KEY,
        at   INTEGER NOT NULL,
        -- A hash.
        body TEXT NOT NULL,
        -- How it was answered, as JSON.
        answer TEXT NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX keys_at ON keys (at)",
];

/// Summaries of the oldest runs.
const COMPACTION: Step = &[
    // Of a summary: the first item and the last of what it stands for, as JSON.
    "ALTER TABLE items ADD COLUMN stands_for TEXT",
];

/// Who has said what in runs of others, and in what was copied from elsewhere ([`crate::domain::thread::voice`]).
const VOICES: Step = &[
    "CREATE TABLE voices (
        number INTEGER PRIMARY KEY,
        user   TEXT NOT NULL UNIQUE,
        -- When they said the first that is left.
        since  INTEGER NOT NULL
    )",
    // Who has said an item, where it is known and not by its run; when; and whether it is a copy of a run of theirs.
    "ALTER TABLE items ADD COLUMN voice INTEGER",
    "ALTER TABLE items ADD COLUMN said_at INTEGER",
    "ALTER TABLE items ADD COLUMN of_run INTEGER",
    "CREATE INDEX items_of_voice ON items (voice, position) WHERE voice IS NOT NULL",
    // Who has answered.
    "ALTER TABLE answers ADD COLUMN voice INTEGER",
    "CREATE INDEX answers_of_voice ON answers (voice) WHERE voice IS NOT NULL",
];
