-- A child names its parent by a value that the parent's column holds otherwise: a text, an integer, a real, or in other
-- capitals. The UUID of the parent's object follows from what the parent's column would hold; a name in other capitals
-- alone leads nowhere, and is a warning. Orphans have a UUID, too; NULL has none.
CREATE TABLE rooms (number INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE people (name TEXT COLLATE NOCASE PRIMARY KEY, boss TEXT REFERENCES people (name));
CREATE TABLE prices (amount REAL PRIMARY KEY, title TEXT);
CREATE TABLE bookings (id TEXT PRIMARY KEY, room, person TEXT, price, document TEXT);
CREATE TABLE documents (id TEXT PRIMARY KEY, title TEXT);
INSERT INTO rooms VALUES (7, 'seven');
INSERT INTO people VALUES ('Ada', 'Ada'), ('Bob', 'Ada');
INSERT INTO prices VALUES (12, 'twelve');
INSERT INTO documents VALUES ('11111111-2222-4333-8444-555555555555', 'a document');
INSERT INTO bookings VALUES
  ('exact', 7, 'Ada', 12.0, '11111111-2222-4333-8444-555555555555'),
  ('texts', ' 7.0', 'Bob', '1.2e1', NULL),
  ('numbers', 7.0, 'BOB', 12, NULL),
  ('orphan', 8, NULL, 13.5, 'gone');
