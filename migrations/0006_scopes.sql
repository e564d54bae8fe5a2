-- What a key may do, narrower than its role.
--
-- The way back is down/0006_scopes.sql. Code of the release before serves calls on this schema and knows nothing of scopes: to
-- it such a key has all of its role. docs/operations.md says what to do about that before going back.

-- JSON array of words, as `agents:read` (src/domain/scope.rs); NULL is all that the role has.
ALTER TABLE keys ADD COLUMN scopes TEXT
    CHECK (scopes IS NULL OR (json_valid(scopes) AND json_type(scopes) = 'array'));
