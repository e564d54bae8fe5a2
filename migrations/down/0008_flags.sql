-- The way back from 0008_flags.sql: every flag is as the code declares it.
DROP TABLE flag_rollout;
DROP INDEX account_flags_flag;
DROP TABLE account_flags;
DROP TABLE flags;
