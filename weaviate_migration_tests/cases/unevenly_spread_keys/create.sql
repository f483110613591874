-- UUIDs that begin alike, as those of version 7 do: the partitions are balanced all the same.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO things
  WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
  SELECT printf('019b7c3a-8f00-7000-8000-%012x', n), 'words' FROM numbers;
