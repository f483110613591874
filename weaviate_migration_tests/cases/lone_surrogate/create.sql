-- The bytes of U+D800: weaviate-client could not encode it, and would lose the whole batch.
CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, texts TEXT);
INSERT INTO things VALUES ('bytes', CAST(x'eda080' AS TEXT), NULL), ('escape', 'fine', '["\ud800"]');
