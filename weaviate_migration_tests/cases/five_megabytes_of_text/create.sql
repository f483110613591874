CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('a', printf('%.5000000c', 'x'));
