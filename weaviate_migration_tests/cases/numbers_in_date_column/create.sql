-- Seconds and milliseconds since 1970, Julian days: numbers say nothing of themselves, and become no dates.
CREATE TABLE things (id TEXT PRIMARY KEY, moment DATETIME);
INSERT INTO things VALUES
  ('seconds', 1767323045), ('seconds as real', 1767323045.25), ('milliseconds', 1767323045250), ('Julian', 2461042.625);
