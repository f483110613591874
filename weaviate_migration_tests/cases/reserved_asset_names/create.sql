-- What their collections are called by themselves Dagster, Python or this project reserves, or another step has.
CREATE TABLE config (id INTEGER PRIMARY KEY, data TEXT);
CREATE TABLE class (id INTEGER PRIMARY KEY, data TEXT, config_id INTEGER REFERENCES config (id));
CREATE TABLE context (id INTEGER PRIMARY KEY, data TEXT);
CREATE TABLE migrate (id INTEGER PRIMARY KEY, data TEXT);
CREATE TABLE class_relations (id INTEGER PRIMARY KEY, data TEXT);
INSERT INTO config VALUES (1, '{"ui":{}}');
INSERT INTO class VALUES (1, 'Algebra', 1), (2, 'History', 1);
INSERT INTO context VALUES (1, 'a system prompt');
INSERT INTO migrate VALUES (1, 'done');
INSERT INTO class_relations VALUES (1, 'a step');
