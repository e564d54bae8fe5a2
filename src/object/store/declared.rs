//! The table of copies of declared things ([`crate::domain::declared`]), which several objects have.

/// Deleted ones stay, without a body, so that what was changed before cannot come after.
pub const TABLE: &str = "CREATE TABLE declared (
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body     TEXT,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID";
