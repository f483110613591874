"""Moves an application's data from SQLite into Weaviate as Dagster assets, and proves the copy."""
