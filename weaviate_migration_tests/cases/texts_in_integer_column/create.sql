-- SQLite itself makes a number of '12' in an INTEGER column, and leaves any other text a text.
CREATE TABLE things (id TEXT PRIMARY KEY, integer INTEGER);
INSERT INTO things VALUES ('digits', '12'), ('word', 'twelve'), ('both', '12 apples'), ('empty', '');
