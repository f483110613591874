-- Read like any other, each with the storage class that SQLite says.
CREATE TABLE things (
  id TEXT PRIMARY KEY, words TEXT, loud TEXT AS (upper(words)), integer INTEGER AS (length(words)) STORED,
  number REAL AS (length(words)) VIRTUAL
);
INSERT INTO things (id, words) VALUES ('a', 'four');
