-- The way back from 0004_sweep.sql; the next sweep begins at the first account.
DROP TABLE sweep;
