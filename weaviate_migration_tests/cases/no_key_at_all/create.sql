-- The rowid tells the rows apart, under a name that no column has.
CREATE TABLE things (rowid TEXT, words TEXT);
INSERT INTO things (_rowid_, rowid, words) VALUES (7, 'not it', 'seven'), (-1, NULL, 'minus one');
