-- SQLite takes NULL for a primary key that is not declared NOT NULL.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('a', 'the only one with a key'), (NULL, 'one'), (NULL, 'another');
