"""Whatever is stored is what Dagster's own classes would have stored, row by row."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS, DagsterEventType
from dagster._core.events.log import EventLogEntry

from weaviate_migration.runs.sqlite_storages import PooledEventLogStorage
from weaviate_migration_tests.runs.every_event import RUN_ID, every_event
from weaviate_migration_tests.runs.homes import dagsters, files_of, home_of, ours, schema_of, tables_of

# An event of an expectation is one that the UI shows, however old.
pytestmark = pytest.mark.filterwarnings("ignore:Class `ExpectationResult` is deprecated:DeprecationWarning")

Store = Callable[[dg.DagsterInstance, list[EventLogEntry]], None]
OTHER_RUN = RUN_ID.replace("1", "2")


def one_by_one(instance: dg.DagsterInstance, events: list[EventLogEntry]) -> None:
    for event in events:
        instance.event_log_storage.store_event(event)


def in_one_batch(instance: dg.DagsterInstance, events: list[EventLogEntry]) -> None:
    instance.event_log_storage.store_event_batch(events)


def in_batches_by_type(instance: dg.DagsterInstance, events: list[EventLogEntry]) -> None:
    for kind in dict.fromkeys(event.dagster_event_type for event in events):
        in_one_batch(instance, [event for event in events if event.dagster_event_type == kind])


def test_an_event_of_each_type_is_tried() -> None:
    assert {event.dagster_event_type for event in every_event()} == {*DagsterEventType, None}


def test_no_event_has_two_places_in_the_index() -> None:
    """Dagster's classes would write it twice, ours once."""
    assert not set(ASSET_EVENTS) & set(ASSET_CHECK_EVENTS)
    assert not {*ASSET_EVENTS, *ASSET_CHECK_EVENTS} & EVENT_TYPE_TO_PIPELINE_RUN_STATUS.keys()


@pytest.mark.parametrize("store", [one_by_one, in_one_batch, in_batches_by_type])
def test_all_tables_are_those_of_dagsters_own_storage(tmp_path: Path, store: Store) -> None:
    events = [*every_event(), *every_event(OTHER_RUN), *of_no_run()]
    with ours(tmp_path / "ours") as instance:
        assert isinstance(instance.event_log_storage, PooledEventLogStorage)
        store(instance, events)
    with dagsters(tmp_path / "dagsters") as instance:
        one_by_one(instance, events) if store is not in_batches_by_type else store(instance, events)

    ours_made, dagster_made = files_of(tmp_path / "ours"), files_of(tmp_path / "dagsters")
    assert relative(ours_made, tmp_path / "ours") == relative(dagster_made, tmp_path / "dagsters")
    for mine, theirs in zip(ours_made, dagster_made, strict=True):
        assert schema_of(mine) == schema_of(theirs)
        assert tables_of(mine) == tables_of(theirs)


def of_no_run() -> list[EventLogEntry]:
    """What is reported from outside: nothing has planned it."""
    planned = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    return [event for event in every_event("") if event.dagster_event_type is not planned]


def relative(files: list[Path], work_dir: Path) -> list[str]:
    return [str(file.relative_to(home_of(work_dir))) for file in files]
