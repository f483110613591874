CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('a', 'before' || char(0) || 'after'), ('b' || char(0), char(0));
