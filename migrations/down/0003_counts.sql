-- The way back from 0003_counts.sql; nothing is lost that the rows themselves do not say.
DROP INDEX agents_name;
DROP TRIGGER count_deleted_key;
DROP TRIGGER count_changed_key;
DROP TRIGGER count_key;
DROP TRIGGER count_deleted_member;
DROP TRIGGER count_changed_member;
DROP TRIGGER count_member;
DROP TRIGGER count_deleted_agent;
DROP TRIGGER count_changed_agent;
DROP TRIGGER count_agent;
DROP TRIGGER count_account;
DROP TABLE account_counts;
