-- Declarations: the things of all configured kinds that have no table of their own (src/domain/declared/).
--
-- The way back is down/0005_declarations.sql. Code of the release before knows nothing of it.

CREATE TABLE declarations (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    -- The singular: skill, webhook, ….
    kind       TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^a-z0-9-]*'),
    -- JSON object, as the kind's type writes it.
    body       TEXT NOT NULL CHECK (json_valid(body) AND json_type(body) = 'object'),
    created_at INTEGER NOT NULL CHECK (created_at >= 0),
    updated_at INTEGER NOT NULL CHECK (updated_at >= created_at),
    PRIMARY KEY (account_id, kind, name)
) STRICT;

-- How many of a kind there are, so that a new one does not read the others.
CREATE TABLE declaration_counts (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind       TEXT NOT NULL,
    number     INTEGER NOT NULL DEFAULT 0 CHECK (number >= 0),
    PRIMARY KEY (account_id, kind)
) STRICT, WITHOUT ROWID;

-- As in 0003: one line, BEGIN and END in capitals, one statement between them.
CREATE TRIGGER count_declaration AFTER INSERT ON declarations BEGIN INSERT INTO declaration_counts (account_id, kind, number) VALUES (new.account_id, new.kind, 1) ON CONFLICT (account_id, kind) DO UPDATE SET number = number + 1; END;
CREATE TRIGGER count_deleted_declaration AFTER DELETE ON declarations BEGIN UPDATE declaration_counts SET number = number - 1 WHERE account_id = old.account_id AND kind = old.kind; END;

-- What an object that keeps copies of a kind has yet to be told: the row as it is when it is read, or that it is gone. Written in the
-- batch of the change, deleted when the object has it on disk.
CREATE TABLE declaration_outbox (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    -- account_counts.revision after the change.
    revision   INTEGER NOT NULL CHECK (revision > 0),
    PRIMARY KEY (account_id, revision),
    UNIQUE (account_id, kind, name)
) STRICT, WITHOUT ROWID;

-- Counts the changes that went into the outbox: a later one has a higher number, whatever the clock says.
ALTER TABLE account_counts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0);

-- JSON object: how many of a kind an account of the plan may have, by singular; of a kind that is not in it, the code says.
ALTER TABLE plans ADD COLUMN declarations TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(declarations) AND json_type(declarations) = 'object');
