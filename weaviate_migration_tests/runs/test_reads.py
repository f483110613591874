"""Both storages read the same from the same files, whoever wrote them: after a run, and while it goes on."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._daemon.types import DaemonHeartbeat

from weaviate_migration.runs.sqlite_storages import PooledEventLogStorage, PooledRunStorage, PooledScheduleStorage
from weaviate_migration_tests.runs.every_event import RUN_ID, every_readable_event
from weaviate_migration_tests.runs.homes import dagsters, ours
from weaviate_migration_tests.runs.reads import all_reads
from weaviate_migration_tests.runs.sample_job import LOOKED, run_sample

LONG = 60
Opened = Callable[[Path], AbstractContextManager[dg.DagsterInstance]]
pytestmark = pytest.mark.filterwarnings(
    "ignore:Class `ExpectationResult` is deprecated:DeprecationWarning",
    "ignore::dagster.BetaWarning",
    "ignore::dagster.PreviewWarning",
)


def test_our_home_is_opened_with_our_storages(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        assert type(instance.event_log_storage) is PooledEventLogStorage
        assert type(instance.run_storage) is PooledRunStorage
        assert type(instance.schedule_storage) is PooledScheduleStorage
    with dagsters(tmp_path) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage


def test_a_run_is_read_alike_while_it_goes_on_and_after_it(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        run = run_sample(instance, tmp_path)
        assert run.success
        assert (tmp_path / LOOKED).read_text() == "PooledEventLogStorage"
        read = all_reads(instance)
        with dagsters(tmp_path) as other:
            assert all_reads(other) == read
    with dagsters(tmp_path) as other:
        assert all_reads(other) == read
    assert read["load: partitions"] == {"a", "b", "c"}
    assert len(read[f"{run.run_id}: records of {DagsterEventType.ASSET_CHECK_EVALUATION}"].records) == 7


def test_a_run_of_dagsters_own_storage_is_read_alike(tmp_path: Path) -> None:
    with dagsters(tmp_path) as instance:
        assert run_sample(instance, tmp_path).success
        read = all_reads(instance)
    with ours(tmp_path) as instance:
        assert all_reads(instance) == read


def test_events_of_every_type_and_what_belongs_to_no_run_are_read_alike(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        events = instance.event_log_storage
        instance.run_storage.add_run(dg.DagsterRun("migrate", RUN_ID))
        events.store_event_batch(every_readable_event())
        events.add_dynamic_partitions("regions", ["north", "south"])
        events.delete_dynamic_partition("regions", "south")
        events.set_concurrency_slots("weaviate", 2)
        assert events.claim_concurrency_slot("weaviate", RUN_ID, "load").is_claimed
        instance.run_storage.add_daemon_heartbeat(DaemonHeartbeat(1.5, "SENSOR", "daemon", []))
        read = all_reads(instance)
    with dagsters(tmp_path) as other:
        assert all_reads(other) == read
        other.event_log_storage.free_concurrency_slots_for_run(RUN_ID)
    with ours(tmp_path) as instance:
        assert instance.event_log_storage.get_concurrency_run_ids() == set()
        assert read[f"{RUN_ID}: all logs"] == every_readable_event()
        assert read["dynamic partitions"] == ["north"]
        assert read["holders"] == {RUN_ID}


def test_what_is_removed_is_gone_for_both(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        first = run_sample(instance, tmp_path).run_id
        second = run_sample(instance, tmp_path).run_id
        instance.delete_run(first)
        instance.wipe_assets([dg.AssetKey("extract")])
        instance.add_run_tags(second, {"by": "somebody"})
        read = all_reads(instance)
        with dagsters(tmp_path) as other:
            assert all_reads(other) == read
            assert other.get_run_ids() == [second]
        instance.event_log_storage.wipe()
        assert instance.all_logs(second) == []
        assert run_sample(instance, tmp_path).success


def test_dagster_migrates_a_home_of_ours(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        run = run_sample(instance, tmp_path)
        logs = instance.all_logs(run.run_id)
        instance.upgrade()
        instance.reindex()
        assert instance.all_logs(run.run_id) == logs


@pytest.mark.parametrize("opened", [ours, dagsters])
def test_who_watches_a_run_is_told_of_each_event(tmp_path: Path, opened: Opened) -> None:
    """As the page of a run in the UI does: it is told by a change of the run's file."""
    told: list[EventLogEntry] = []
    events = every_readable_event()
    complete = threading.Event()

    def callback(entry: EventLogEntry, _cursor: str) -> None:
        told.append(entry)
        if len(told) == len(events):
            complete.set()

    with ours(tmp_path) as writer, opened(tmp_path) as reader:
        writer.event_log_storage.store_event(events[0])
        reader.watch_event_logs(RUN_ID, None, callback)
        for event in events[1:]:
            writer.event_log_storage.store_event(event)
        assert complete.wait(LONG)
        reader.end_watch_event_logs(RUN_ID, callback)
    assert told == events
