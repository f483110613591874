"""A real server that takes one key, another one for reading only, and nobody without."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.own_server import run_server

KEY = "a-key-that-stays-secret"
READING_KEY = "a-key-that-may-only-read"


@contextmanager
def run_locked_server(data_dir: Path) -> Iterator[ServerAddress]:
    with run_server(
        data_dir,
        AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED="false",
        AUTHENTICATION_APIKEY_ENABLED="true",
        AUTHENTICATION_APIKEY_ALLOWED_KEYS=f"{KEY},{READING_KEY}",
        AUTHENTICATION_APIKEY_USERS="someone,reader",
        AUTHORIZATION_ADMINLIST_ENABLED="true",
        AUTHORIZATION_ADMINLIST_USERS="someone",
        AUTHORIZATION_ADMINLIST_READONLY_USERS="reader",
    ) as address:
        yield address
