-- They are in `source_columns`, of whatever storage class.
CREATE TABLE things (id TEXT PRIMARY KEY, none, whole, part, word, picture);
INSERT INTO things VALUES ('a', NULL, 9223372036854775807, 0.1, 'text', x'00');
