-- Arrays of integers, reals, booleans and dates: exact as json.dumps writes them, filled where they mean the same.
CREATE TABLE things (id TEXT PRIMARY KEY, counts JSON, scores JSON, flags JSON, moments JSON);
INSERT INTO things VALUES
  ('plain', '[1, -2]', '[0.5, 1.0]', '[true, false]', '["2026-01-02 03:04:05"]'),
  ('empty', '[]', '[]', '[]', '[]'),
  ('other forms', '[1,2.0]', '[1, -0.0]', '[1, 0]', '["2026-01-02T03:04:05.5+02:00"]'),
  ('beyond', '[9007199254740993]', '[1e999]', '[2]', '["0000-01-01 00:00:00"]'),
  ('of SQLite', json_array(1, 2), json_array(0.1, 0.0), json_array(json('true')), json_array('2026-01-02')),
  ('others', '[true]', '["1"]', '[null]', '[7]'),
  ('nothing', NULL, 'null', '', '{}');
