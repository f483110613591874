-- A parent without a key goes to the quarantine, and its collection's checks fail: the children are loaded all the same.
CREATE TABLE people (name TEXT PRIMARY KEY, city TEXT);
CREATE TABLE notes (id TEXT PRIMARY KEY, person TEXT, body TEXT);
INSERT INTO people VALUES ('Ada', 'London'), (NULL, 'nowhere');
INSERT INTO notes VALUES ('1', 'Ada', 'one'), ('2', NULL, 'two');
