"""Interrupted in the middle, by whatever: the same command goes on, and ends where it would have ended."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import weaviate

from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import STATE_FILE, FolderState, embedded_server
from weaviate_migration.target.server_process import servers_of, stop
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.chaos.killing import Boundary, Fault, Signalled, run, run_killed
from weaviate_migration_tests.live.command_line import Ended, holdings, run_here
from weaviate_migration_tests.live.notes import NoteMigration, note_file, note_rows

ROWS = 1_200
SLOWLY = ("--batch-size", 5, "--workers", 1, "--max-retries", 1, "--retry-delay", 0.1)
# Here some rows are in Weaviate, and most are not.
UNDER_WAY = Boundary("weaviate_migration.target.write:ObjectWriter.write_batch", call=40)


@pytest.fixture
def many(notes: NoteMigration) -> NoteMigration:
    notes.source.unlink()
    note_file(notes.source, ROWS)
    return notes


def interrupted(options: list[object], fault: Fault) -> Ended:
    """A migration that comes to its fault when rows are under way."""
    return run("migrate", *options, *SLOWLY, end=fault)


def state_of(notes: NoteMigration) -> list[str]:
    return [record.state for record in WorkFolder(notes.work_dir).records.all()]


def everything_is_there(client: weaviate.WeaviateClient, rows: int = ROWS) -> bool:
    """Each row is an object behind the alias, once, and there is nothing else."""
    found = [str(item.properties["noteId"]) for item in client.collections.use("Note").iterator(cache_size=5000)]
    collections, aliases = holdings(client)
    assert [*aliases] == ["Note"]
    assert collections == [*aliases.values()]
    return sorted(found) == [row[0] for row in note_rows(rows)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_says_how_to_go_on(many: NoteMigration, client: weaviate.WeaviateClient, number: signal.Signals) -> None:
    ended = interrupted(many.options, Signalled(UNDER_WAY, number))
    assert ended.code == 130, ended.stderr
    assert ended.complaint == ["The migration stays unfinished; the same command goes on with it.", "Interrupted."]
    assert state_of(many) == ["unfinished"]
    assert holdings(client)[1] == {}
    assert many.migrate().code == 0
    assert state_of(many) == ["cut over"]
    assert everything_is_there(client)


@pytest.fixture
def embedded(many: NoteMigration) -> Iterator[list[object]]:
    """The options of a migration into a server of its own, which is stopped whatever the test did."""
    yield [*many.source_options, "--weaviate-url", "embedded"]
    for server in servers_of(many.work_dir / "weaviate"):
        stop(server)


@dataclass(frozen=True)
class ServerGoes:
    """The server on this folder is killed when rows are under way."""

    data_dir: Path

    def arm(self) -> None:
        """Has it killed then, by this process."""
        UNDER_WAY.arm_with(self._kill)

    def _kill(self) -> None:
        server = FolderState.model_validate_json((self.data_dir / STATE_FILE).read_bytes()).server
        assert server is not None
        assert server.is_alive()
        os.kill(server.pid, signal.SIGKILL)


def test_weaviate_killed_in_the_middle(many: NoteMigration, embedded: list[object]) -> None:
    data_dir = many.work_dir / "weaviate"
    ended = interrupted(embedded, ServerGoes(data_dir))
    assert ended.code == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "objects are sent again" in ended.stderr
    assert ended.stdout == ""
    assert "Weaviate does not answer" in ended.stderr, ended.stderr
    assert "the same command goes on with it once the server is back" in ended.stderr
    assert state_of(many) == ["unfinished"]
    with embedded_server(data_dir) as address, connect(address, None) as client:
        again = run_here("migrate", *embedded)
        assert again.code == 0, again.stderr
        assert everything_is_there(client)


STAGES = {
    "record": Boundary("weaviate_migration.work_folder.record:MigrationRecords.save"),
    "snapshot": Boundary("weaviate_migration.source.snapshot:take_snapshot"),
    "extracts": Boundary("weaviate_migration.phases.history.extract.storage:write_partition", call=8),
}


@pytest.mark.parametrize("stage", STAGES)
def test_command_killed_at_a_stage(notes: NoteMigration, client: weaviate.WeaviateClient, stage: str) -> None:
    run_killed(STAGES[stage], "migrate", *notes.options)
    ended = notes.migrate()
    assert ended.code == 0, ended.stderr
    assert state_of(notes) == ["cut over"]
    assert everything_is_there(client, rows=64)


def test_command_killed_does_not_hold_up_the_next(many: NoteMigration, client: weaviate.WeaviateClient) -> None:
    ended = interrupted(many.options, Signalled(UNDER_WAY, signal.SIGKILL))
    assert ended.code == -signal.SIGKILL
    assert many.migrate().code == 0
    assert everything_is_there(client)
    with dagster_instance(many.work_dir) as instance:
        last, killed = instance.get_runs()
        assert (last.status, killed.status) == (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
        storage = instance.event_log_storage
        assert not any(storage.get_concurrency_info(key).claimed_slots for key in storage.get_concurrency_keys())
