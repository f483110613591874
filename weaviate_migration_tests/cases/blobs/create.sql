-- In a text column, in all others, and in one without a property.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, integer INTEGER, moment DATETIME, texts JSON, picture BLOB);
INSERT INTO things VALUES ('a', x'00ff', x'31', x'', x'5b5d', x'00ff');
