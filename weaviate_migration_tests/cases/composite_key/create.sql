-- In the key's order, which need not be the columns'.
CREATE TABLE things (words TEXT, part INTEGER, whole TEXT, PRIMARY KEY (whole, part));
INSERT INTO things VALUES ('first', 1, 'x'), ('second', 2, 'x'), ('NULL', NULL, 'x');
