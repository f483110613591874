-- Every mistake at once, each with the name that was probably meant; nothing was touched.
CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE chunks (id TEXT PRIMARY KEY, document_id INTEGER, body TEXT);
