-- Six digits are exact. Nine are kept by Weaviate; its Python client shows six.
CREATE TABLE things (id TEXT PRIMARY KEY, moment DATETIME);
INSERT INTO things VALUES
  ('one', '2026-01-02 03:04:05.1'),
  ('three', '2026-01-02 03:04:05.123'),
  ('six', '2026-01-02 03:04:05.123456'),
  ('six zeros', '2026-01-02 03:04:05.000000'),
  ('nine', '2026-01-02 03:04:05.123456789'),
  ('ten', '2026-01-02 03:04:05.1234567891');
