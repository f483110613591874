"""Alerts by making the thing happen: what is told is exactly what is expected, in this order, and nothing else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.monitoring.alerts import watch
from weaviate_migration.monitoring.alerts.under_way import MIGRATE
from weaviate_migration.monitoring.alerts.watch import watched
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.progress import KeptProgress
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.chaos.killing import Boundary, Standstill, running
from weaviate_migration_tests.live.alerted_notes import AlertedNotes
from weaviate_migration_tests.live.command_line import run_here, until
from weaviate_migration_tests.live.free_ports import free_port
from weaviate_migration_tests.live.library import LibraryMigration
from weaviate_migration_tests.live.notes import NoteMigration, note_id
from weaviate_migration_tests.monitoring.alerts.receiver import SECRET, Receiver, running_receiver

READ_ONLY = "The Weaviate server takes no writes"
NEVER_RAN = "planned checks never ran"
LOAD = Boundary("weaviate_migration.target.write:ObjectWriter.write_batch", "before")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as made:
        yield made


@pytest.fixture
def alerted(notes: NoteMigration, receiver: Receiver) -> Iterator[AlertedNotes]:
    with dagster_instance(notes.work_dir) as instance:
        yield AlertedNotes(notes, receiver, instance)


def over(*titles: str) -> list[tuple[str, str]]:
    return [("success", f"Over: {title}") for title in titles]


def failures(*titles: str) -> list[tuple[str, str]]:
    return [("failure", title) for title in titles]


def written_with_secret(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "alerts.yaml"]
    return [path for path in found if SECRET.encode() in path.read_bytes()]


def test_a_migration_that_is_followed(
    alerted: AlertedNotes, client: weaviate.WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told of are lag, a server that takes no writes, a check, and their ends, by whoever sees it first, once."""
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.5)
    notes, receiver = alerted.notes, alerted.receiver
    runs = alerted.sensors_of_runs()
    assert alerted.migrate("--live").code == 0
    assert alerted.run("sync").code == 0
    runs.evaluate()
    assert alerted.look() == "Nothing to tell."
    assert receiver.taken() == []

    with closing(sqlite3.connect(notes.source)) as application, application:
        application.execute("DELETE FROM notes WHERE id IN (?, ?)", (note_id(3), note_id(4)))
    lag = "2 changes of the source are not applied"
    assert alerted.look(lag_changes=1) == alerted.look(lag_changes=1) == lag
    assert lag in run_here("alerts", "list", "--work-dir", notes.work_dir).stdout
    assert receiver.taken() == failures(lag)
    assert alerted.run("sync", lag_changes=1).code == 0
    assert receiver.taken() == over(lag)

    collection = client.collections.use(client.alias.list_all()["Note"].collection)
    collection.config.update_shards("READONLY")
    assert alerted.look() == READ_ONLY
    assert alerted.run("sync").code == 0
    assert receiver.taken() == failures(READ_ONLY)
    collection.config.update_shards("READY")
    assert alerted.look() == "Nothing to tell."
    assert receiver.taken() == over(READ_ONLY)

    collection.data.delete_by_id(note_id(5))
    failed = "Checks of `note` failed"
    assert alerted.run("verify").code == 3
    told = receiver.notifications[0]["message"]
    runs.evaluate()
    assert receiver.taken() == failures(failed)
    assert "note: every_object, partition" in told
    assert alerted.run("verify", "--repair").code == 0
    runs.evaluate()
    assert receiver.taken() == over(failed)
    assert written_with_secret(notes.folder) == []


def test_a_run_that_fails_and_what_it_had_planned(alerted: AlertedNotes, client: weaviate.WeaviateClient) -> None:
    """The sensors tell of it, and the command line sees that it is told; then the other way round."""
    notes, receiver = alerted.notes, alerted.receiver
    runs = alerted.sensors_of_runs()
    name = notes.migrate("--no-cutover", "--json").json["collections"]["Note"]["collection"]
    runs.evaluate()
    assert receiver.taken() == []
    client.collections.use(name).config.update_shards("READONLY")
    notes.forget_loaded()
    options = ("--max-retries", 0, "--no-rollback", "--no-cutover")
    expected = failures("The run of `migrate` failed", f"36 {NEVER_RAN}", READ_ONLY)
    assert notes.migrate(*options).code == 1
    runs.evaluate()
    assert receiver.told == expected[:2]
    assert alerted.migrate(*options).code == 1
    runs.evaluate()
    assert "note: " in receiver.notifications[0]["message"]
    assert receiver.taken() == expected
    client.collections.use(name).config.update_shards("READY")
    assert alerted.migrate().code == 0
    runs.evaluate()
    assert sorted(receiver.taken()) == sorted(over(*(title for _, title in expected)))


def test_a_run_that_was_killed(alerted: AlertedNotes) -> None:
    """What nobody noted but Dagster: its memory while it runs, then its end, seen by the sensor alone."""
    notes, receiver = alerted.notes, alerted.receiver
    with running("migrate", *notes.options, end=Standstill(LOAD)) as command:
        until(lambda: command.process.exitcode is not None or "MB of memory" in alerted.look(memory_mb=1))
        assert command.process.exitcode is None, command.output()
    ((_, memory),) = receiver.taken()
    for _ in range(2):
        alerted.look()
    assert "it was killed" in receiver.notifications[1]["message"]
    told = receiver.taken()
    assert told.pop(0) == ("success", f"Over: {memory}")
    assert [title.lstrip("0123456789 ") for _, title in told] == ["The run of `migrate` failed", NEVER_RAN]
    runs = alerted.sensors_of_runs()
    assert notes.migrate().code == 0
    runs.evaluate()
    assert sorted(receiver.taken()) == sorted(over(*(title for _, title in told)))
    assert alerted.look() == "Nothing to tell."


def test_a_check_that_warns_and_a_channel_that_fails(
    tmp_path: Path, receiver: Receiver, alerted: AlertedNotes, client: weaviate.WeaviateClient
) -> None:
    """Orphans of the source: the run succeeds, and somebody should look at it; told once the channel works."""
    library = LibraryMigration.make(tmp_path, alerted.notes.server, client)
    library.execute("UPDATE books SET author_id = 'nobody' WHERE id = 7")
    receiver.refuses = True
    ended = library.migrate("--alerts", alerted.with_thresholds().alerts)
    assert ended.code == 0
    assert "could not be sent to channels[0] (json); it is tried again." in ended.stderr
    assert SECRET not in ended.stderr
    receiver.refuses = False
    alerted.look(alerted.with_thresholds().model_copy(update={"mapping": library.config.mapping}))
    assert receiver.told == [("warning", "Checks of `book` warn"), ("warning", "Checks of `source_audit` warn")]
    assert "book: relations: " in receiver.notifications[0]["message"]


def test_a_server_that_does_not_answer(alerted: AlertedNotes) -> None:
    config = alerted.with_thresholds()
    away = config.model_copy(update={"weaviate_url": f"http://127.0.0.1:{free_port()}"})
    for each in (config, away, away, config):
        alerted.look(each)
    title = "The Weaviate server is not healthy"
    assert "no Weaviate answers at" in alerted.receiver.notifications[0]["message"]
    assert alerted.receiver.taken() == failures(title) + over(title)


def test_what_is_seen_while_a_command_runs(alerted: AlertedNotes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread looks beside the command; what was only about the command is over with it."""
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.01)
    config, now = alerted.with_thresholds(memory_mb=1, stalled_minutes=0.0001), iter([0.0, 0.0, 100.0, 100.0, 100.0])
    with watched(config, MIGRATE):
        KeptProgress(StateStore.of(alerted.notes.work_dir), "Note", 10_000, lambda: next(now))
        until(lambda: len(alerted.receiver.told) == 2)
        told = [title for _, title in alerted.receiver.told]
    # The thread may look before there is any progress: which of the two it finds first is open.
    memory, stalled = sorted(told)
    assert memory.startswith("A process takes ")
    assert stalled.startswith("Note: nothing has moved for 0 minutes")
    assert sorted(alerted.receiver.taken()[2:]) == sorted(over(*told))


def test_the_channels_are_tried(alerted: AlertedNotes) -> None:
    alerted.with_thresholds()
    options = ("alerts", "test", "--alerts", alerted.notes.folder / "alerts.yaml")
    assert run_here(*options).code == 0
    assert alerted.receiver.taken() == [("success", "A test of the alerts")]
    alerted.receiver.refuses = True
    tried = run_here(*options, "--json")
    assert (tried.code, tried.json) == (1, {"channels": {"channels[0] (json)": False}})


def test_a_file_of_alerts_that_is_wrong_stops_the_command_before_anything_is_made(notes: NoteMigration) -> None:
    path = notes.folder / "alerts.yaml"
    path.write_text(f"alerts:\n  channels: [nosuch://{SECRET}]\n", encoding="utf-8")
    ended = notes.migrate("--alerts", path)
    assert ended.code == 2
    assert f"{path}:2: alerts.channels[0]: no notification can be sent to this URL" in ended.stderr
    assert SECRET not in ended.stderr
    assert WorkFolder(notes.work_dir).records.all() == []
    assert run_here("alerts", "test").complaint[0] == "error: No alerts are configured."
