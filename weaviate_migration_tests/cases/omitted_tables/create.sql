-- What the mapping leaves out, in whatever case it says so, is nowhere; a table without rows is no matter.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
CREATE TABLE Users (id TEXT PRIMARY KEY, password TEXT);
CREATE TABLE without_rows (id TEXT PRIMARY KEY);
INSERT INTO things VALUES ('a', 'words');
INSERT INTO Users VALUES ('u', 'a secret');
