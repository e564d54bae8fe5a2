-- The way back from 0006_scopes.sql. Keys that were confined to scopes are revoked, lest they have all of their role.
UPDATE keys SET revoked_at = created_at WHERE scopes IS NOT NULL AND revoked_at IS NULL;
ALTER TABLE keys DROP COLUMN scopes;
