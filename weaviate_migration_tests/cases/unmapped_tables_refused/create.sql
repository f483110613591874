-- The mapping wants every table that has rows to be named in it.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
CREATE TABLE users (id TEXT PRIMARY KEY);
CREATE TABLE "odd ""name""" (id);
CREATE TABLE without_rows (id TEXT PRIMARY KEY);
INSERT INTO things VALUES ('a', 'words');
INSERT INTO users VALUES ('u'), ('v');
INSERT INTO "odd ""name""" VALUES (1);
