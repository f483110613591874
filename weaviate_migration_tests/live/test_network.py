"""The network between fails, in each way and at each step: a command goes on, or the same one does; nothing is lost.

`make chaos` has each trouble at each step, and for longer; the tests have each step once, and nearly each trouble.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
import weaviate
from weaviate.classes.config import DataType, Property

from weaviate_migration.base.repeats import Repeats
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.phases.dual_write.background_sync import BackgroundSync
from weaviate_migration.target import calls, probes
from weaviate_migration.target.connect import answers, connect
from weaviate_migration.target.read_back import objects_by_uuid, objects_in_range
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.write import ObjectWriter, WriteSettings, cut_into_batches
from weaviate_migration_tests.live.command_line import SECONDS
from weaviate_migration_tests.live.followed_notes import FollowedNotes
from weaviate_migration_tests.network.scenario import (
    ALIAS_MADE,
    ALIAS_MOVED,
    ALIAS_REMOVED,
    APPLYING,
    CLEANUP,
    COLLECTION_REMOVED,
    COMPARISON,
    CUTOVER,
    LOAD,
    MIGRATE,
    MIGRATE_AND_SWITCH,
    ROLLBACK,
    SYNC,
    Scenario,
)
from weaviate_migration_tests.network.toxiproxy import Toxic, ToxicWay, run_toxiproxy
from weaviate_migration_tests.network.troubles import SLOW, Trouble, troubles

IN_FULL = "NETWORK_IN_FULL" in os.environ
# More than any one answer has, and less than a pass.
BYTES_OF_A_CONNECTION = 12_000
TROUBLES = troubles(seconds=30 if IN_FULL else 2)


@pytest.fixture(scope="module")
def way(server: ServerAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToxicWay]:
    with run_toxiproxy(server, tmp_path_factory.mktemp("toxiproxy") / "log") as way:
        yield way


@pytest.fixture
def scenario(way: ToxicWay, client: weaviate.WeaviateClient, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return Scenario(tmp_path_factory.mktemp("network"), way, client)


def beginning_with(first: int) -> Iterator[Trouble]:
    """The troubles in their order, beginning with one of them."""
    return iter((*TROUBLES[first:], *TROUBLES[:first]))


@pytest.mark.timeout(3600 if IN_FULL else 600)
@pytest.mark.parametrize("first", range(len(TROUBLES) if IN_FULL else 1))
def test_each_command_comes_to_its_end(scenario: Scenario, first: int) -> None:
    """In `make chaos`, each other time, there is an older version, which readers have before and after."""
    schema, trouble = scenario.schema, beginning_with(first)
    if has_older := bool(first % 2):
        scenario.complete(MIGRATE_AND_SWITCH)
    before = scenario.holdings
    scenario.complete_in(next(trouble), LOAD, MIGRATE)
    newest = scenario.records[-1]
    scenario.assert_copied(newest)
    scenario.complete_in(next(trouble), COMPARISON, MIGRATE)

    scenario.change()
    scenario.complete_in(next(trouble), APPLYING, SYNC)
    scenario.assert_copied(newest)

    scenario.change()
    scenario.complete_in(next(trouble), ALIAS_MOVED if has_older else ALIAS_MADE, CUTOVER)
    assert scenario.holdings[1] == newest.targets
    scenario.assert_copied(newest)

    scenario.complete_in(next(trouble), ALIAS_MOVED if has_older else ALIAS_REMOVED, ROLLBACK)
    assert scenario.holdings[1] == before[1]

    if has_older:
        scenario.complete(SYNC)
        scenario.assert_copied(scenario.records[0])
    scenario.complete_in(next(trouble), COLLECTION_REMOVED, CLEANUP)
    assert scenario.holdings == before
    assert scenario.schema == schema


@pytest.mark.parametrize("question", ["_check_ready", "_check_version", "_check_grpc"])
def test_a_connection_cut_while_a_client_connects_is_tried_again(
    way: ToxicWay, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    """After each question that is asked; after the last one the client itself asks."""
    asked, ask = count(), getattr(probes, question)

    def asked_and_cut(*arguments: object) -> None:
        ask(*arguments)
        if next(asked) == 0:
            Trouble("cut once", Toxic("reset_peer"), seconds=0.2).begin(way)

    monkeypatch.setattr(probes, question, asked_and_cut)
    with connect(way.address, None, Repeats(8, 0.1)) as client:
        assert answers(client)
    assert next(asked) > 1


def test_what_is_large_has_the_time_that_a_slow_way_takes(
    way: ToxicWay, client: weaviate.WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it were tried, it would not be there in the time that a call has for itself."""
    client.collections.create("Note", properties=[Property(name="body", data_type=DataType.TEXT)])
    how = WriteSettings(10, 10**8, 10**8, worker_count=1, max_retries=3, retry_delay=0.0)
    uuids = [str(UUID(int=number)) for number in range(1, 11)]
    batches = cut_into_batches("00", [ObjectDraft(uuid, "key", {"body": "x" * 10_000}) for uuid in uuids], how)
    with connect(way.address, None, how) as slow:
        monkeypatch.setattr(calls, "CALL_SECONDS", 0.5)
        notes = slow.collections.use("Note")
        way.add(SLOW)
        try:
            assert [each.written for each in ObjectWriter(notes, how).write(batches)] == [10]
            assert objects_by_uuid(notes, uuids).keys() == set(uuids)
            assert [each.uuid for each in objects_in_range(notes, UuidRange(None, None), 20)] == uuids
        finally:
            way.restore()


def test_a_dual_writer_gets_through_where_every_connection_is_cut_soon(
    way: ToxicWay, client: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    """One connection carries a part of what a pass has to say; whoever begins anew after each cut never ends."""
    notes = FollowedNotes.begin(tmp_path, client, [(f"key {number}", "before", number) for number in range(900)])
    notes.execute("UPDATE notes SET body = 'after'")
    config = create_migration_config(
        str(notes.source),
        work_dir=notes.work_folder.path,
        mapping=tmp_path / "notes.yaml",
        weaviate_url=f"http://{way.address.host}:{way.address.http_port}",
        grpc_port=way.address.grpc_port,
        batch_size=3,
        retry_delay=0.1,
    )
    sync = BackgroundSync(config)
    way.add(Toxic("limit_data", {"bytes": BYTES_OF_A_CONNECTION}))
    try:
        assert sync.flush(SECONDS), sync.counters
    finally:
        sync.close(SECONDS)
        way.restore()
    assert sync.counters.failures > 0
    assert notes.held() == notes.rows()
