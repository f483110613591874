-- Weaviate holds integers as doubles: it would alter 2^53 + 1, and refuse 2^63 - 1. (`number` has no type: a REAL column
-- of SQLite would alter them already.)
CREATE TABLE things (id TEXT PRIMARY KEY, integer INTEGER, number);
INSERT INTO things (id, integer) VALUES
  ('last exact', 9007199254740991), ('2^53', 9007199254740992),
  ('least exact', -9007199254740991), ('-2^53', -9007199254740992), ('smallest', -9223372036854775808);
INSERT INTO things VALUES
  ('2^53 + 1', 9007199254740993, 9007199254740993), ('2^63 - 1', 9223372036854775807, 9223372036854775807);
