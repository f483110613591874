-- In a value, in a key, and in a column without a property.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, note TEXT);
INSERT INTO things VALUES ('a', CAST(x'ff41' AS TEXT), CAST(x'ff41' AS TEXT)), (CAST(x'ff' AS TEXT), 'b', 'b');
