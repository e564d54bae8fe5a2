-- The way back from 0009_public_agents.sql.
DROP INDEX agents_public;
