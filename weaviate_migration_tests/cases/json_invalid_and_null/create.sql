-- A column that properties are members of is kept as a whole, always.
CREATE TABLE things (id TEXT PRIMARY KEY, texts JSON, document JSON);
INSERT INTO things VALUES
  ('open', '["a"', '{'), ('NaN', '[NaN]', '{"member": NaN}'), ('empty', '', ''), ('null', 'null', 'null'), ('NULL', NULL, NULL);
