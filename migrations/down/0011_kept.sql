-- The way back from 0011_kept.sql: what threads keep is not limited.
DROP INDEX agents_keep_days;
ALTER TABLE plans DROP COLUMN keep_days;
ALTER TABLE plans DROP COLUMN memories;
ALTER TABLE plans DROP COLUMN runs_at_once;
ALTER TABLE plans DROP COLUMN storage_mb;
ALTER TABLE plans DROP COLUMN threads;
