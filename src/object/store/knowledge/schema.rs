//! The schema of a knowledge object.

use crate::object::store::effects;
use crate::object::store::steps::Step;

/// See [`crate::object::store::steps`] for what a step may do.
pub const STEPS: &[Step] = &[MEMORIES];

const MEMORIES: Step = &[
    effects::TABLE,
    "CREATE TABLE memories (
        -- In the order in which they were made, and never given twice as long as there are any.
        number    INTEGER PRIMARY KEY,
        id        TEXT NOT NULL UNIQUE,
        -- active, archived or superseded.
        status    TEXT NOT NULL,
        -- The id of the one that took its place.
        successor TEXT,
        -- Of the text: the same text is one memory as long as it is active.
        digest    TEXT NOT NULL,
        text      TEXT NOT NULL,
        -- What is indexed, where that is not the text itself.
        words     TEXT,
        -- All else, as JSON.
        body      TEXT NOT NULL
    )",
    "CREATE INDEX memories_by_status ON memories (status, number)",
    "CREATE INDEX memories_by_digest ON memories (digest) WHERE status = 'active'",
    "CREATE INDEX memories_by_successor ON memories (successor) WHERE successor IS NOT NULL",
    // Keeps no text: what is taken out of it is given once more from the row. English words are found by their stems.
    "CREATE VIRTUAL TABLE memory_words USING fts5 (text, content = '', tokenize = 'porter unicode61 remove_diacritics 2')",
    // Words that are taken out leave nothing behind in the index.
    "INSERT INTO memory_words (memory_words, rank) VALUES ('secure-delete', 1)",
    "CREATE TABLE memory_totals (
        id        INTEGER PRIMARY KEY CHECK (id = 1),
        -- The number of the next one.
        next      INTEGER NOT NULL,
        memories  INTEGER NOT NULL,
        bytes     INTEGER NOT NULL,
        -- When the last one was deleted of which the id is known; 0: none.
        last_gone INTEGER NOT NULL,
        -- Grows with each write.
        version   INTEGER NOT NULL
    )",
    // Ids of memories of runs that were deleted, for a day: a call that is made once more does not bring them back.
    "CREATE TABLE memory_gone (
        id TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) WITHOUT ROWID",
    "CREATE INDEX memory_gone_by_time ON memory_gone (at)",
];
