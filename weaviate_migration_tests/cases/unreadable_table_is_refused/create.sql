-- The same kind of file; the mapping names what nobody but the application can read.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, secret TEXT);
CREATE INDEX words_index ON things (words);
INSERT INTO things VALUES ('a', 'one', 'hidden'), ('b', 'two', NULL);
CREATE TABLE notes_vec_chunks (chunk_id INTEGER PRIMARY KEY, size INTEGER NOT NULL, validity BLOB NOT NULL);
PRAGMA writable_schema = ON;
INSERT INTO sqlite_schema VALUES ('table', 'notes_vec', 'notes_vec', 0,
  'CREATE VIRTUAL TABLE notes_vec USING vec0(note_id INTEGER PRIMARY KEY, embedding float[4])');
INSERT INTO sqlite_schema VALUES ('table', 'notes_fts', 'notes_fts', 0,
  'CREATE VIRTUAL TABLE notes_fts USING fts5(words, tokenize = ''signal_tokenizer'')');
UPDATE sqlite_schema SET sql = 'CREATE TABLE things (id TEXT COLLATE unicase PRIMARY KEY, words TEXT, secret TEXT,
  loud TEXT AS (shout(words)))' WHERE name = 'things';
UPDATE sqlite_schema SET sql = 'CREATE INDEX words_index ON things (shout(words) COLLATE unicase)'
  WHERE name = 'words_index';
