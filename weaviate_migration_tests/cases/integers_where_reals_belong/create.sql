-- SQLite makes reals of integers in a REAL column, and integers of whole reals in a NUMERIC one.
CREATE TABLE things (id TEXT PRIMARY KEY, number NUMERIC);
INSERT INTO things VALUES ('integer', 3), ('whole', 4.0), ('real', 0.5);
