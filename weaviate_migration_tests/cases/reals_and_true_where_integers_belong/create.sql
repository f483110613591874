-- A whole real says the same as an integer, but is another storage class. SQLite knows no true: it is the integer 1.
CREATE TABLE things (id TEXT PRIMARY KEY, integer);
INSERT INTO things VALUES ('whole', 3.0), ('too large', 9007199254740992.0), ('not whole', 3.7), ('true', TRUE);
