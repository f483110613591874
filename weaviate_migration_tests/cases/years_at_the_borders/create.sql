-- Weaviate takes the years 1 to 9999. The last two leave them once they are in UTC.
CREATE TABLE things (id TEXT PRIMARY KEY, moment DATETIME);
INSERT INTO things VALUES
  ('first', '0001-01-01 00:00:00'), ('last', '9999-12-31 23:59:59.999999'),
  ('0000', '0000-01-01 00:00:00'), ('10000', '10000-01-01 00:00:00'),
  ('before 1', '0001-01-01 00:30:00+01:00'), ('after 9999', '9999-12-31 23:30:00-01:00');
