-- What a default stands in for is kept.
CREATE TABLE things (id TEXT PRIMARY KEY, title TEXT, owner TEXT);
INSERT INTO things VALUES ('given', 'a title', 'an owner'), ('NULL', NULL, NULL), ('empty', '', ''), ('number', 5, 5);
