-- What the mapping omits is nowhere.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, password TEXT);
INSERT INTO things VALUES ('a', 'words', 'a secret');
