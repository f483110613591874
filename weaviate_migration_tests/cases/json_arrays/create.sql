-- What json.dumps writes comes back exactly; other blanks say the same; items that are no texts do not fit.
CREATE TABLE things (id TEXT PRIMARY KEY, texts JSON);
INSERT INTO things VALUES
  ('texts', '["a", "b"]'), ('empty', '[]'), ('blanks', '["a","b"]'),
  ('numbers', '["a", 1]'), ('null inside', '["a", null]'), ('object', '{"a": "b"}');
