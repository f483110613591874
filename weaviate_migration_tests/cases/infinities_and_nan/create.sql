-- SQLite stores NULL for what is not a number.
CREATE TABLE things (id TEXT PRIMARY KEY, integer INTEGER, number REAL);
INSERT INTO things VALUES ('plus', 9e999, 9e999), ('minus', -9e999, -9e999), ('NaN', 9e999 - 9e999, 9e999 - 9e999);
