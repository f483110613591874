"""Tests against a real Weaviate server: one for the whole run, emptied before each test that uses `client`.

Where no server can be had they fail, so that nobody takes their absence for success; `WEAVIATE_MIGRATION_NO_LIVE=1`
skips them on purpose.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import weaviate

from weaviate_migration.defs.build import build_definitions
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import empty
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.locked_server import run_locked_server
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes
from weaviate_migration_tests.live.own_server import run_server
from weaviate_migration_tests.live.three_nodes import ThreeNodes, run_three_nodes

LIVE_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unwanted = os.environ.get("WEAVIATE_MIGRATION_NO_LIVE") == "1"
    for item in items:
        if LIVE_FOLDER in item.path.parents:
            item.add_marker(pytest.mark.live)
            if unwanted:
                item.add_marker(pytest.mark.skip(reason="WEAVIATE_MIGRATION_NO_LIVE=1"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddress]:
    """One real server for the whole run."""
    with run_server(tmp_path_factory.mktemp("weaviate")) as address:
        yield address


@pytest.fixture(scope="session")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddress]:
    """One real server that wants a key, for the whole run."""
    with run_locked_server(tmp_path_factory.mktemp("locked")) as address:
        yield address


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeNodes]:
    """A cluster of three real nodes, for the whole run."""
    with run_three_nodes(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture
def three_nodes(cluster: ThreeNodes) -> ThreeNodes:
    """The cluster with all of its nodes running, and nothing in it."""
    cluster.start_those_that_are_gone()
    with connect(cluster.addresses[0], None) as client:
        empty(client)
    return cluster


@pytest.fixture(scope="session")
def connected(server: ServerAddress) -> Iterator[weaviate.WeaviateClient]:
    """One client of it for the whole run: each loads the certificates of this machine."""
    with connect(server, None) as weaviate_client:
        yield weaviate_client


@pytest.fixture
def client(connected: weaviate.WeaviateClient) -> weaviate.WeaviateClient:
    """A client of a server that holds neither aliases nor collections."""
    empty(connected)
    return connected


@pytest.fixture
def notes(tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient) -> NoteMigration:  # noqa: ARG001
    """A migration that could begin: a file of notes, its mapping, and an empty server."""
    return fresh_notes(tmp_path, server)


@pytest.fixture(scope="session")
def kept_notes(
    tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: weaviate.WeaviateClient
) -> KeptNotes:
    """For the files of tests that all begin with the same few migrations."""
    return KeptNotes(tmp_path_factory.mktemp("kept") / "notes", server, connected)


@pytest.fixture
def definitions(notes: NoteMigration) -> dg.Definitions:
    """As the UI loads them: everything comes from the settings, nothing from a run."""
    return build_definitions(notes.config)


@pytest.fixture
def instance(notes: NoteMigration) -> Iterator[dg.DagsterInstance]:
    with dagster_instance(notes.work_dir) as instance:
        yield instance
