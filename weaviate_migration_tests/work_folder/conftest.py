"""Stores that several files of tests open: a database for each test, and what closes them."""

from collections.abc import Iterator

import pytest

from weaviate_migration.work_folder.state_store import close_stores
from weaviate_migration_tests.cluster.postgres_server import PostgresServer


@pytest.fixture
def closed_stores() -> Iterator[None]:
    """What a test has opened is closed when it ends."""
    yield
    close_stores()


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """Of a new database."""
    return postgres_server.new_database()
