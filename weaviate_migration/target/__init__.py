"""The Weaviate side: server, connection, schema, writing, reading back, aliases."""
