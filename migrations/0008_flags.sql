-- Feature flags (src/domain/flag.rs): what the operator has set of them, for all accounts and for single ones.
--
-- The way back is down/0008_flags.sql. Code of the release before knows nothing of them.

-- A flag without a row is as the code declares it.
CREATE TABLE flags (
    flag       TEXT PRIMARY KEY NOT NULL CHECK (length(flag) BETWEEN 1 AND 64 AND flag NOT GLOB '*[^a-z0-9_]*'),
    is_on      INTEGER NOT NULL CHECK (is_on IN (0, 1)),
    -- For so many percent of the accounts it is on in any case.
    percent    INTEGER NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    updated_at INTEGER NOT NULL CHECK (updated_at >= 0)
) STRICT, WITHOUT ROWID;

-- What is set for one account wins.
CREATE TABLE account_flags (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    flag       TEXT NOT NULL CHECK (length(flag) BETWEEN 1 AND 64),
    is_on      INTEGER NOT NULL CHECK (is_on IN (0, 1)),
    updated_at INTEGER NOT NULL CHECK (updated_at >= 0),
    PRIMARY KEY (account_id, flag)
) STRICT, WITHOUT ROWID;

CREATE INDEX account_flags_flag ON account_flags (flag, account_id);

-- A change for all accounts on its way to their objects (src/service/sweep.rs). One row at most; none: all have it.
CREATE TABLE flag_rollout (
    id    INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    -- The accounts up to this one have it; '' is none.
    after TEXT NOT NULL
) STRICT;
