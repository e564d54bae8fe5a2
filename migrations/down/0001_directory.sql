-- The way back from 0001_directory.sql. Loses the directory: export it first.
--
-- wrangler knows no way back, so it is run by hand, the last migration first, and its record removed after it:
--   wrangler d1 execute retinue --file migrations/down/0001_directory.sql
--   wrangler d1 execute retinue --command "DELETE FROM d1_migrations WHERE name = '0001_directory.sql'"
--
-- Children before the tables they refer to, because D1 enforces foreign keys; indexes go with their tables.

DROP TABLE agent_versions;
DROP TABLE agents;
DROP TABLE aliases;
DROP TABLE models;
DROP TABLE catalogue;
DROP TABLE providers;
DROP TABLE keys;
DROP TABLE members;
DROP TABLE accounts;
