CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things VALUES ('Key', 'one'), ('key', 'two'), ('KEY', 'three'), ('key ', 'four'),
  ('0000000A-0000-4000-8000-000000000000', 'five'), ('0000000a-0000-4000-8000-000000000000', 'six');
