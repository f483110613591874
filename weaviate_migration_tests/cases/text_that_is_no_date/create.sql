CREATE TABLE things (id TEXT PRIMARY KEY, moment DATETIME);
INSERT INTO things VALUES
  ('word', 'yesterday'), ('no such day', '2026-02-30 00:00:00'), ('other order', '02/01/2026'), ('empty', '');
