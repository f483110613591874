-- Rows that are no table's: one for each kind, told apart by it; the other collection names them as parents.
CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT, kind TEXT);
CREATE TABLE chunks (id TEXT PRIMARY KEY, document_id INTEGER REFERENCES documents, body TEXT, size REAL);
INSERT INTO documents VALUES (1, 'One', 'note'), (2, NULL, 'note'), (3, 'Three', 'letter');
INSERT INTO chunks VALUES ('a', 1, 'first', 1.0), ('b', 1, 'second', 0.5), ('c', 2, x'00ff', 2), ('d', 9, 'orphan', NULL);
