-- What plans allow of what threads keep and do: how many there are, how much they hold, how many runs are not over; how much
-- agents remember; and for how long a thread is kept that nothing changes.
--
-- The way back is down/0011_kept.sql. Code of the release before limits none of it and deletes nothing.

-- NULL is no limit. Seeded from seed/plans.yaml.
ALTER TABLE plans ADD COLUMN threads INTEGER CHECK (threads >= 0);
-- Megabytes (10^6 bytes).
ALTER TABLE plans ADD COLUMN storage_mb INTEGER CHECK (storage_mb >= 0);
ALTER TABLE plans ADD COLUMN runs_at_once INTEGER CHECK (runs_at_once >= 0);
ALTER TABLE plans ADD COLUMN memories INTEGER CHECK (memories >= 0);
-- Days; NULL is for ever.
ALTER TABLE plans ADD COLUMN keep_days INTEGER CHECK (keep_days >= 1);

-- The agents that say for how many days.
CREATE INDEX agents_keep_days ON agents (account_id, id) WHERE json_extract(definition, '$.keep_days') IS NOT NULL;
