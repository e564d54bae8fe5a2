-- What an account says of its own server beyond what is known of it (src/domain/dialect/).
--
-- The way back is down/0007_dialect.sql. Code of the release before serves calls on this schema and asks such a provider as if
-- nothing were said.

-- JSON object of the fields that differ; NULL is none.
ALTER TABLE providers ADD COLUMN dialect TEXT
    CHECK (dialect IS NULL OR (json_valid(dialect) AND json_type(dialect) = 'object'));
