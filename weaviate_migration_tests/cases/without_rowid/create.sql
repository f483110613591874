CREATE TABLE things (words TEXT, id REAL PRIMARY KEY) WITHOUT ROWID;
INSERT INTO things VALUES ('half', 0.5), ('whole', 1);
