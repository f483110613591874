-- -0.0 equals 0.0, but has other bytes; a REAL column keeps no sign of it, an untyped one does.
CREATE TABLE things (id TEXT PRIMARY KEY, number);
INSERT INTO things VALUES ('large', 1e308), ('tenth', 0.1), ('least', 5e-324), ('zero', 0.0), ('minus zero', -0.0);
