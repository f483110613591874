-- Its collection is made, and is empty.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('a', 'words');
