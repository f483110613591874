-- SQLite takes NULL for a primary key that is not declared NOT NULL.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('a', 'with a key'), ('b', NULL), (NULL, 'one'), (NULL, 'another');
