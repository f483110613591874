-- No collection is made from them.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
CREATE TABLE users (id TEXT PRIMARY KEY);
INSERT INTO things VALUES ('a', 'words');
INSERT INTO users VALUES ('u');
