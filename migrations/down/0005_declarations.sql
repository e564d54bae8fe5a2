-- The way back from 0005_declarations.sql; the declarations are lost.
ALTER TABLE plans DROP COLUMN declarations;
ALTER TABLE account_counts DROP COLUMN revision;
DROP TABLE declaration_outbox;
DROP TRIGGER count_declaration;
DROP TRIGGER count_deleted_declaration;
DROP TABLE declaration_counts;
DROP TABLE declarations;
