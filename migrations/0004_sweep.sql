-- Where the sweep of the accounts' objects goes on (src/service/sweep.rs). One row at most; none: at the first account.
--
-- The way back is down/0004_sweep.sql. Code of the release before knows nothing of it.

CREATE TABLE sweep (
    id    INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    -- The last account that was visited; NULL when that was the last of all.
    after TEXT
) STRICT;
