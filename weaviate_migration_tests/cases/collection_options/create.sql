-- Texts that are found only as the mapping says: by parts of words, by words with their signs, without accents, and by
-- words that are stop words elsewhere.
CREATE TABLE notes (id TEXT PRIMARY KEY, code TEXT, part TEXT, sign TEXT, accent TEXT, stop TEXT);
INSERT INTO notes VALUES
 ('Zoë', 'Ünder', 'abcdefghij', 'semi-detached;house', 'Größenangaben überall', 'whither whither'),
 ('b', 'É', 'klmnopqrst', 'Tabs	and-blanks', 'naïveté', 'nowhere'),
 ('c', NULL, NULL, NULL, NULL, NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO notes SELECT 'n' || i, 'code ' || i, 'partition' || i, 'sign-' || i || '-sign', 'accént' || i, 'whither' FROM n;
