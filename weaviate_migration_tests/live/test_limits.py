"""Servers whose own settings do not allow what a migration needs: quotas, replication, GraphQL switched off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from weaviate_migration.target.connect import connect
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, holdings, run_here
from weaviate_migration_tests.live.library import LibraryMigration
from weaviate_migration_tests.live.own_server import run_server


def library_on(tmp_path: Path, **settings: str) -> Iterator[LibraryMigration]:
    with run_server(tmp_path / "server", **settings) as address, connect(address, None) as client:
        (tmp_path / "app").mkdir()
        yield LibraryMigration.make(tmp_path / "app", address, client)


def preflight(library: LibraryMigration) -> Ended:
    return run_here("preflight", "--sqlite-url", library.source, *library.options, "--json")


def items(ended: Ended) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in ended.json["items"]}


@pytest.fixture
def room_for_three(tmp_path: Path) -> Iterator[LibraryMigration]:
    """A server that takes three collections: one that is there, and one of the two that are needed beside another."""
    yield from library_on(tmp_path, MAXIMUM_ALLOWED_COLLECTIONS_COUNT="3")


def test_a_quota_of_collections(room_for_three: LibraryMigration) -> None:
    library, client = room_for_three, room_for_three.client
    client.collections.create("Theirs")
    assert items(preflight(library))["collections"]["figure"] == "2 were made at once, and removed"
    client.collections.create("AlsoTheirs")
    before = holdings(client)

    found = preflight(library)
    told = items(found)["collections"]
    assert (found.code, told["verdict"], items(found)["rights"]["verdict"]) == (3, "failed", "passed")
    assert told["figure"].startswith("1 of 2 can be made: making a collection: a quota of this Weaviate is reached")
    assert "MAXIMUM_ALLOWED_COLLECTIONS_COUNT" in told["remedy"]

    migrated = library.migrate()
    assert migrated.code == 1
    assert "a quota of this Weaviate is reached (collections count limit of 3" in "".join(migrated.json["errors"])
    assert "the same command goes on" not in str(migrated.json)
    assert migrated.json["next_step"].startswith("Rolled back")
    assert holdings(client) == before
    assert [each.state for each in WorkFolder(library.work_dir).records.all()] == ["discarded"]

    client.collections.delete("AlsoTheirs")
    assert library.migrate().code == 0
    again = library.migrate()
    assert (again.code, "rights: making a collection: a quota" in "".join(again.json["errors"])) == (2, True)
    assert [each.state for each in WorkFolder(library.work_dir).records.all()] == ["discarded", "cut over"]


def test_replication_on_too_few_nodes(tmp_path: Path) -> None:
    for library in library_on(tmp_path, REPLICATION_MINIMUM_FACTOR="2"):
        found = items(preflight(library))
        assert {name for name, each in found.items() if each["verdict"] == "failed"} == {"rights"}
        assert "too few nodes for its replication (1 available, 2 requested)" in found["rights"]["figure"]
        assert "REPLICATION_MINIMUM_FACTOR" in found["rights"]["remedy"]
        assert found["collections"]["figure"].endswith("see rights")
        migrated = library.migrate()
        assert (migrated.code, "too few nodes" in "".join(migrated.json["errors"])) == (2, True)
        assert WorkFolder(library.work_dir).records.all() == []
        assert holdings(library.client) == ([], {})


def test_graphql_that_is_switched_off(tmp_path: Path) -> None:
    """All goes through, and metrics say that the server is up; the figure that only GraphQL gives is absent."""
    metrics = tmp_path / "metrics.prom"
    for library in library_on(tmp_path, DISABLE_GRAPHQL="true"):
        migrated = library.migrate("--metrics-file", metrics)
        assert migrated.code == 0, migrated.stderr
        assert migrated.json["warnings"] == []
        told = metrics.read_text()
        assert "\nweaviate_migration_server_up 1.0\n" in told
        assert "\nweaviate_migration_server_queued_objects 0.0\n" in told
        assert '\nweaviate_migration_server_queued_vectors{collection="Book"} 0.0\n' in told
        assert "\nweaviate_migration_server_objects{" not in told
        assert '\nweaviate_migration_scrape_failed{part="server"} 0.0\n' in told
        for command in ("verify", "postflight", "status"):
            ended = run_here(command, *library.options, "--json")
            assert ended.code == 0, ended.stderr
