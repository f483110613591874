-- The declaration of a column was changed in the schema alone: SQLite's check remarks on it, and all values are sound.
CREATE TABLE things (id TEXT PRIMARY KEY, integer INTEGER);
INSERT INTO things VALUES ('a', 7), ('b', -1), ('c', NULL);
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'integer INTEGER', 'integer INTEGER CHECK (integer > 0)');
