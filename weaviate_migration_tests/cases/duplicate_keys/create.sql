-- The table declares no key, the mapping names one.
CREATE TABLE things (id TEXT, words TEXT);
INSERT INTO things VALUES ('a', 'one'), ('a', 'another'), ('b', 'alone'), ('A', 'another case');
