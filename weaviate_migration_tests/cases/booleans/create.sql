CREATE TABLE things (id TEXT PRIMARY KEY, flag BOOLEAN);
INSERT INTO things VALUES ('zero', 0), ('one', 1), ('digit', '1'), ('two', 2), ('minus', -1), ('word', 'true'), ('half', 0.5);
