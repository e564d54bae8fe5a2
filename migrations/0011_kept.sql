-- What plans allow of what threads keep and do: how many there are, how much they hold, how many runs are not over.
--
-- The way back is down/0011_kept.sql. Code of the release before limits none of it.

-- NULL is no limit. Seeded from seed/plans.yaml.
ALTER TABLE plans ADD COLUMN threads INTEGER CHECK (threads >= 0);
-- Megabytes (10^6 bytes).
ALTER TABLE plans ADD COLUMN storage_mb INTEGER CHECK (storage_mb >= 0);
ALTER TABLE plans ADD COLUMN runs_at_once INTEGER CHECK (runs_at_once >= 0);
