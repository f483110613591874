"""The sensor for Dagster's UI: asks for a run when there are changes, and also when it cannot know."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import dagster as dg
import pytest
import weaviate

from weaviate_migration.defs.sensors import change_sync as sensors
from weaviate_migration.source.inspect import quoted
from weaviate_migration_tests.live.notes import NoteMigration, note_id
from weaviate_migration_tests.live.test_sync import bodies, rows


@pytest.fixture
def application(notes: NoteMigration) -> Iterator[sqlite3.Connection]:
    """A connection that changes the notes."""
    with closing(sqlite3.connect(notes.source, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def live(notes: NoteMigration, application: sqlite3.Connection) -> sqlite3.Connection:
    """The same, when the notes were migrated and are followed."""
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    return application


def tick(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """What the sensor answers now."""
    sensor = definitions.resolve_sensor_def("change_sync_sensor")
    with dg.build_sensor_context(instance=instance) as context:
        answer = sensor(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def skip_reason(definitions: dg.Definitions, instance: dg.DagsterInstance) -> str:
    answer = tick(definitions, instance)
    assert isinstance(answer, dg.SkipReason), "a run was requested"
    return str(answer.skip_message)


def run_requested(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The run that the sensor asks for."""
    request = tick(definitions, instance)
    assert isinstance(request, dg.RunRequest), request
    job = definitions.resolve_job_def("sync")
    return job.execute_in_process(instance=instance, tags=dict(request.tags), raise_on_error=False)


def test_nothing_is_asked_for_where_nothing_is_followed(
    notes: NoteMigration, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert "migrate --live" in skip_reason(definitions, instance)
    assert notes.migrate().code == 0
    assert "migrate --live" in skip_reason(definitions, instance)


def test_a_change_leads_to_a_run_that_applies_it(
    live: sqlite3.Connection,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    client: weaviate.WeaviateClient,
) -> None:
    assert skip_reason(definitions, instance) == "Everything that was logged is applied."
    live.execute("UPDATE notes SET body = 'changed' WHERE id = ?", (note_id(3),))
    live.execute("DELETE FROM notes WHERE id = ?", (note_id(4),))
    result = run_requested(definitions, instance)
    assert result.success
    assert sorted(bodies(client).values()) == sorted(rows(live).values())
    (made,) = result.asset_materializations_for_node("change_sync")
    told = {name: value.value for name, value in made.metadata.items()}
    # The install of the capture is the first entry of the log.
    expected = {"applied_changes": 2, "position": 3, "lag_changes": 0, "lag_seconds": 0.0, "needs_comparison": False}
    assert told.items() >= expected.items()
    assert skip_reason(definitions, instance) == "Everything that was logged is applied."


def test_no_run_is_asked_for_while_one_is_under_way(
    live: sqlite3.Connection, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    live.execute("DELETE FROM notes WHERE id = ?", (note_id(4),))
    run = instance.create_run_for_job(definitions.resolve_job_def("sync"), status=dg.DagsterRunStatus.STARTED)
    assert skip_reason(definitions, instance) == f"Run {run.run_id} is under way."
    instance.report_run_canceled(run)
    assert run_requested(definitions, instance).success


def test_damage_is_shown_by_a_run_that_fails_and_not_by_one_at_each_tick(
    live: sqlite3.Connection,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (trigger,) = live.execute("SELECT name FROM sqlite_schema WHERE name LIKE '%\\_delete' ESCAPE '\\'").fetchone()
    live.execute(f"DROP TRIGGER {quoted(trigger)}")
    failed = run_requested(definitions, instance)
    (failure,) = (event for event in failed.all_events if event.is_step_failure)
    error = failure.step_failure_data.error
    assert error is not None
    assert error.cause is not None
    assert f"has lost its trigger `{trigger}`" in error.cause.message
    assert skip_reason(definitions, instance).startswith(f"Run {failed.run_id} failed")
    monkeypatch.setattr(sensors, "RETRY_SECONDS", 0.0)
    assert isinstance(tick(definitions, instance), dg.RunRequest)


def test_a_file_that_was_restored_is_not_called_applied(
    notes: NoteMigration, live: sqlite3.Connection, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    backup = notes.folder / "backup.db"
    with closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    live.execute("DELETE FROM notes WHERE id = ?", (note_id(4),))
    assert run_requested(definitions, instance).success
    with closing(sqlite3.connect(backup)) as copy:
        copy.backup(live)
    assert not run_requested(definitions, instance).success
