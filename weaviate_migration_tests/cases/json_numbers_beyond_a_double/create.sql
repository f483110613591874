CREATE TABLE things (id TEXT PRIMARY KEY, texts JSON, document JSON);
INSERT INTO things VALUES ('a', '[1e999]', '{"member": "beside it", "size": 1e999}');
