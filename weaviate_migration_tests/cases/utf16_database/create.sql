PRAGMA encoding = 'UTF-16le';
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('ünï🎉', 'gößer'), ('0000000a-0000-4000-8000-000000000000', '');
