-- Both are kept apart: an empty text is there, NULL is absent. The empty text is a key like any other.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, integer INTEGER, number REAL, flag BOOLEAN, moment DATETIME);
INSERT INTO things (id, words) VALUES ('empty', ''), ('NULL', NULL), ('blank', ' '), ('', 'no key?');
