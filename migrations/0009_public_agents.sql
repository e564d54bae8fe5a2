-- Which agents anyone may call: whoever asks an account for them without a key must not make it go through all the others.
--
-- The way back is down/0009_public_agents.sql. Code of the release before does not need it.

CREATE INDEX agents_public ON agents (account_id, created_at, id) WHERE archived_at IS NULL AND access = 'public';
