-- The way back from 0007_dialect.sql. Providers are asked as their names and addresses say again.
ALTER TABLE providers DROP COLUMN dialect;
