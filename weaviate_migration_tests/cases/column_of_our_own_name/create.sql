CREATE TABLE things (id TEXT PRIMARY KEY, words TEXT, _weaviate_migration_uuid TEXT);
