CREATE TABLE things (id TEXT PRIMARY KEY, number REAL);
INSERT INTO things VALUES ('digits', '1.5'), ('comma', '1,5'), ('NaN', 'NaN');
