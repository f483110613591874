"""One switch of readers at a time, from whichever work folder: the others wait, and are told for whom."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import weaviate
from weaviate.exceptions import WeaviateBaseError

from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.target.connect import connect
from weaviate_migration.target.schema import Maker, Origin, ensure_collection
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.switch_lock import SWITCH_ALIAS, only_switch, remove_left_switch
from weaviate_migration_tests.live.test_cutover import NAMES, Migrations, all_to
from weaviate_migration_tests.strategies import EVERY_TYPE

OURS, THEIRS = Maker("1", "our folder"), Maker("2", "their folder")
COLLECTION = {OURS: "Note_1", THEIRS: "Note_2"}
ASKED_AT_ONCE = 8


@pytest.fixture
def both(client: weaviate.WeaviateClient) -> weaviate.WeaviateClient:
    """A server with a collection of each of two work folders."""
    for maker, name in COLLECTION.items():
        ensure_collection(client, name, EVERY_TYPE, Origin(maker.migration, "/data/app.db", "m", maker.work_folder))
    return client


@contextmanager
def switching(client: weaviate.WeaviateClient, maker: Maker, seconds: float = 30, prefix: str = "") -> Iterator[None]:
    """As a migration of this folder switches; its first collection is gone."""
    with only_switch(client, prefix, ["Gone", COLLECTION[maker]], {maker}, seconds):
        yield


@contextmanager
def many_clients(server: ServerAddress) -> Iterator[Sequence[weaviate.WeaviateClient]]:
    with ExitStack() as stack:
        yield [stack.enter_context(connect(server, None)) for _ in range(ASKED_AT_ONCE)]


def test_fact_of_many_that_make_one_alias_one_does(both: weaviate.WeaviateClient, server: ServerAddress) -> None:
    together = threading.Barrier(ASKED_AT_ONCE)

    def make(client: weaviate.WeaviateClient) -> bool:
        together.wait()
        try:
            client.alias.create(alias_name="Once", target_collection="Note_1")
        except WeaviateBaseError:
            return False
        return True

    with many_clients(server) as clients, ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        for _ in range(5):
            assert sorted(pool.map(make, clients)) == [*[False] * (ASKED_AT_ONCE - 1), True]
            both.alias.delete(alias_name="Once")


def test_the_second_is_told_for_whom_it_has_waited(both: weaviate.WeaviateClient) -> None:
    with switching(both, THEIRS):
        with pytest.raises(MigrationConflictError) as error, switching(both, OURS, seconds=0):
            pass
        assert error.value.message.startswith("Migration 2 of /data/app.db moves the aliases")
        assert f"`{SWITCH_ALIAS}`" in error.value.hint
        with switching(both, OURS, prefix="Other"):  # No alias is in both.
            pass
    assert both.alias.list_all() == {}


def test_however_many_wait_one_switches_after_the_other(both: weaviate.WeaviateClient, server: ServerAddress) -> None:
    makers = [Maker(f"{number}", f"folder {number}") for number in range(3, 7)]
    for each in makers:
        origin = Origin(each.migration, "/data/app.db", "m", each.work_folder)
        ensure_collection(both, f"Note_{each.migration}", EVERY_TYPE, origin)
    switches = 0

    def switch(client: weaviate.WeaviateClient, maker: Maker) -> None:
        nonlocal switches
        with only_switch(client, "", [f"Note_{maker.migration}"], {maker}, seconds=300):
            before = switches
            client.alias.list_all()
            switches = before + 1

    with many_clients(server) as clients, ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        list(pool.map(switch, clients, makers))
    assert switches == len(makers)
    assert both.alias.list_all() == {}


def test_what_a_killed_one_of_the_same_folder_has_left_is_taken_over(both: weaviate.WeaviateClient) -> None:
    both.alias.create(alias_name=SWITCH_ALIAS, target_collection="Note_1")
    with switching(both, OURS):
        assert both.alias.list_all()[SWITCH_ALIAS].collection == "Note_1"
    assert both.alias.list_all() == {}
    both.alias.create(alias_name=SWITCH_ALIAS, target_collection="Note_2")
    remove_left_switch(both, "", {OURS})
    assert set(both.alias.list_all()) == {SWITCH_ALIAS}
    remove_left_switch(both, "", {THEIRS})
    assert both.alias.list_all() == {}


def test_one_whose_collection_is_gone_keeps_nobody(both: weaviate.WeaviateClient) -> None:
    both.alias.create(alias_name=SWITCH_ALIAS, target_collection="Note_2")
    both.collections.delete("Note_2")
    with switching(both, OURS):
        assert both.alias.list_all()[SWITCH_ALIAS].collection == "Note_1"
    assert both.alias.list_all() == {}


def test_where_nothing_is_there_to_switch_to_nothing_is_made(client: weaviate.WeaviateClient) -> None:
    with only_switch(client, "", ["Gone"], set()):
        assert client.alias.list_all() == {}


def test_two_work_folders_with_one_set_of_aliases(tmp_path: Path, client: weaviate.WeaviateClient) -> None:
    """One was killed while it switched: the other one neither switches nor goes back before the first has ended."""
    first, second = (Migrations(tmp_path / name, client) for name in ("first", "second"))
    ours, theirs = first.begin("20260101T000001"), second.switch(second.begin("20260101T000002"))
    client.alias.create(alias_name=SWITCH_ALIAS, target_collection=f"{NAMES[0]}_{ours.id}")
    before = second.aliases()
    for attempt in (second.switch, second.back):
        with pytest.raises(MigrationConflictError) as error, bounded(10):
            attempt(theirs)
        assert error.value.message.startswith(f"Migration {ours.id} of {ours.source} moves the aliases")
        assert (second.aliases(), second.on_record(theirs)) == (before, theirs)
    switched = first.switch(ours)
    assert first.aliases() == all_to(ours)
    first.back(switched)
    assert first.aliases() == all_to(theirs)
    second.back(theirs)
    assert (second.aliases(), second.collections()) == ({}, set())
