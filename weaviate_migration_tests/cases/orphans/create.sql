-- An orphan of the source is migrated as it is: a warning, no failure.
CREATE TABLE parents (id TEXT PRIMARY KEY);
CREATE TABLE children (id TEXT PRIMARY KEY, parent_id TEXT);
INSERT INTO parents VALUES ('p');
INSERT INTO children VALUES ('with parent', 'p'), ('orphan', 'gone'), ('without', NULL);
