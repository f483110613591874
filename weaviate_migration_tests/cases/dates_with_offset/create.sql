CREATE TABLE things (id TEXT PRIMARY KEY, moment DATETIME);
INSERT INTO things VALUES
  ('Z', '2026-01-02T03:04:05Z'),
  ('east', '2026-01-02 03:04:05+05:30'),
  ('west', '2026-01-02T23:04:05.5 -01:00'),
  ('too far', '2026-01-02 03:04:05+24:00');
