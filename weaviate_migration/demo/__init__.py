"""A realistic SQLite file to try the migration on, made from the documentation in Python's own standard library."""

from weaviate_migration.demo.chat import Chat, chatting
from weaviate_migration.demo.sqlite_file import DemoCounts, write_demo_file

__all__ = ["Chat", "DemoCounts", "chatting", "write_demo_file"]
