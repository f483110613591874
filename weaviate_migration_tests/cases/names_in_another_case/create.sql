-- SQLite ignores the case of ASCII letters, and of no others.
CREATE TABLE THINGS (ID TEXT PRIMARY KEY, Words TEXT, "ä" TEXT, "Ä" TEXT);
INSERT INTO things VALUES ('a', 'words', 'small', 'large');
