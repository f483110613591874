-- It has no key of its own: the mapping names one.
CREATE TABLE stored (id TEXT PRIMARY KEY, body TEXT);
INSERT INTO stored VALUES ('a', 'shown'), ('b', NULL);
CREATE VIEW things AS SELECT id, body AS words, 1 AS integer FROM stored WHERE body IS NOT NULL;
