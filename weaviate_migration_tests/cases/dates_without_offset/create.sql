-- SQLite's own form, in UTC, comes back from the property exactly; others say the same, and are kept beside it. A date
-- without a time is midnight, as SQLite's own date functions take it.
CREATE TABLE things (id TEXT PRIMARY KEY, moment DATETIME);
INSERT INTO things VALUES
  ('blank', '2026-01-02 03:04:05'),
  ('T', '2026-01-02T03:04:05'),
  ('no seconds', '2026-01-02 03:04'),
  ('no time', '2026-01-02');
