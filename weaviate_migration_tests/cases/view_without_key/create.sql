CREATE TABLE stored (id TEXT PRIMARY KEY, words TEXT);
CREATE VIEW things AS SELECT id, words FROM stored;
