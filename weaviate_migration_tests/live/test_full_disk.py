"""The work folder's disk gets full, or is mounted read-only: each command says so, and goes on when there is room."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.base.errors import StorageError
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress, embedded_server, running_server
from weaviate_migration_tests.chaos.killing import Boundary, run, running
from weaviate_migration_tests.live.command_line import Ended, at, holdings, run_here, until
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes
from weaviate_migration_tests.small_disk import SmallDisk, small_disk

_RECORD = "weaviate_migration.work_folder.record:MigrationRecords.save"
_CERTIFICATE = "weaviate_migration.phases.validation.full_comparison:certify"
_SNAPSHOT = "weaviate_migration.source.snapshot:take_snapshot"
_EXTRACT = "weaviate_migration.phases.history.extract.storage:write_partition"
_BATCH = "weaviate_migration.target.write:ObjectWriter.write_batch"
_ALIASES = "weaviate_migration.target.aliases:point_aliases"
MIGRATE = (
    Boundary(_RECORD, "before"),
    Boundary(_SNAPSHOT),
    Boundary(_EXTRACT, "before", call=3),
    Boundary(_BATCH),
    Boundary("weaviate_migration.phases.validation.collection_proof:CollectionProof._compared", call=4),
)
CUTOVER = (
    Boundary(_RECORD, "before"),
    Boundary(_ALIASES, "before"),
    Boundary(_ALIASES),
)


@dataclass(frozen=True)
class FullDiskAtStep:
    """The disk gets full between two steps of a command."""

    disk: SmallDisk
    step: Boundary

    def arm(self) -> None:
        """Has it get full there, in this process."""
        self.step.arm_with(self.disk.fill)


@dataclass(frozen=True)
class NotesOnSmallDisk:
    """Notes that are migrated, whose work folder is a small disk."""

    notes: NoteMigration
    disk: SmallDisk

    def fail_at(self, step: Boundary, *words: object) -> None:
        """Raises AssertionError where the command does not say what is wrong, or hinders the application."""
        ended = run(*words, *self.notes.options, end=FullDiskAtStep(self.disk, step))
        assert_told(ended, 1, self.disk.path)
        self.write_note(str(step))
        if step.when == "after":
            self.assert_readable()
        self.disk.make_room()

    def refuse_what_writes(self) -> None:
        """Of a disk that is full, or mounted read-only, each command says so, with nothing done."""
        where = ["--work-dir", self.notes.work_dir, *at(self.notes.server)]
        with connect(self.notes.server, None) as client:
            before = holdings(client)
            for hindered, remedy in ((self.disk.full(), "Make room"), (self.disk.read_only(), "the right to write")):
                with hindered:
                    assert_told(run_here("migrate", *self.notes.options), 2, self.disk.path, remedy)
                    assert_told(run_here("verify", *where), 2, self.disk.path, remedy)
                    code = 1 if remedy == "Make room" else 2
                    assert_told(run_here("rollback", *where), code, self.disk.path, remedy)
                    assert_told(run_here("audit", *self.notes.source_options), 1, self.disk.path, remedy)
                    self.assert_readable()
            assert holdings(client) == before

    def follow_through_a_full_disk(self, client: weaviate.WeaviateClient) -> None:
        """A follower says that there is no room, and goes on by itself when there is."""
        with running("sync", "--follow", "--work-dir", self.notes.work_dir, *at(self.notes.server)) as follower:
            self.write_note("followed")
            until(lambda: "followed" in bodies(client, "Note"))
            self.disk.fill()
            self.write_note("followed on a full disk")
            until(lambda: "cannot be written" in follower.output()[1])
            self.write_note("followed on a full disk, too")
            self.disk.make_room()
            until(lambda: bodies(client, "Note") == rows(self.notes.source))
            os.kill(follower.process.pid or 0, signal.SIGTERM)
            ended = follower.end()
        assert ended.code == 0, ended
        assert "Traceback" not in ended.stderr, ended.stderr

    def write_note(self, body: str) -> None:
        """The application writes; it waits no longer than for one small write, which a follower may be at."""
        with closing(sqlite3.connect(self.notes.source, timeout=5)) as connection, connection:
            connection.execute("INSERT INTO notes (id, body) VALUES (lower(hex(randomblob(16))), ?)", [body])

    def assert_readable(self) -> None:
        """What only reads works on."""
        where = ["--work-dir", self.notes.work_dir, "--mapping", self.notes.mapping]
        for command in (("status", *at(self.notes.server)), ("report", "--html", "-"), ("checks",)):
            ended = run_here(*command, *where)
            assert "Traceback" not in ended.stderr, ended.stderr
            assert ended.code in (0, 3) or "Nothing was migrated" in ended.stderr, (command, ended)


def assert_told(ended: Ended, code: int, folder: Path, remedy: str = "Make room there") -> None:
    """One line with the file and the bytes, and what to do about it."""
    assert ended.code == code, ended
    assert "Traceback" not in ended.stderr, ended.stderr
    assert "Internal error" not in ended.stderr, ended.stderr
    told = [line for line in ended.complaint if line.startswith("error: ")]
    assert len(told) == 1, ended.stderr
    assert str(folder) in told[0], told
    assert remedy in ended.stderr, ended.stderr


def bodies(client: weaviate.WeaviateClient, collection: str) -> list[str]:
    return sorted(str(each.properties["body"]) for each in client.collections.use(collection).iterator())


def rows(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return sorted(body for (body,) in connection.execute("SELECT body FROM notes"))


@pytest.fixture
def small(
    tmp_path: Path,
    server: ServerAddress,
    client: weaviate.WeaviateClient,  # noqa: ARG001
) -> Iterator[NotesOnSmallDisk]:
    with small_disk(tmp_path / "work", 24) as disk:
        yield NotesOnSmallDisk(fresh_notes(tmp_path, server), disk)


def test_each_command_goes_on_when_there_is_room(small: NotesOnSmallDisk, client: weaviate.WeaviateClient) -> None:
    notes = small.notes
    for step in MIGRATE:
        small.fail_at(step, "migrate", "--live", "--no-cutover")
    ended = notes.migrate("--live", "--no-cutover")
    assert ended.code == 0, ended.stderr
    assert len(holdings(client)[0]) == 1, "one migration was gone on with"
    for step in CUTOVER:
        small.fail_at(step, "cutover")
    ended = run_here("cutover", *notes.options)
    assert ended.code == 0, ended.stderr
    assert run_here("sync", *notes.options).code == 0
    assert bodies(client, "Note") == rows(notes.source)
    small.refuse_what_writes()
    small.follow_through_a_full_disk(client)
    ended = notes.roll_back()
    assert ended.code == 0, ended.stderr
    assert holdings(client)[1] == {}
    with small.disk.full():
        ended = run_here("cleanup", "--yes", "--force", "--work-dir", notes.work_dir, *at(notes.server))
    assert ended.code == 0, "it is what makes room"
    assert holdings(client) == ([], {})


def test_what_is_cut_over_need_not_be_migrated_again(small: NotesOnSmallDisk, client: weaviate.WeaviateClient) -> None:
    """The disk gets full when readers have the new collections already, and the run's end cannot be stored."""
    fault = FullDiskAtStep(small.disk, Boundary("weaviate_migration.phases.cutover.switch:cut_over"))
    ended = run("migrate", *small.notes.options, end=fault)
    assert_told(ended, 1, small.disk.path)
    assert "is cut over" in ended.stderr
    assert bodies(client, "Note") == rows(small.notes.source)
    small.disk.make_room()
    ended = run_here("verify", "--work-dir", small.notes.work_dir, *at(small.notes.server))
    assert ended.code == 0, ended.stderr
    assert (small.disk.path / "certificate.json").exists()
    assert len(holdings(client)[0]) == 1


def test_a_certificate_without_room_is_a_warning(small: NotesOnSmallDisk, client: weaviate.WeaviateClient) -> None:
    fault = FullDiskAtStep(small.disk, Boundary(_CERTIFICATE, "before"))
    with small.disk.full(leave=8_000_000):
        ended = run("migrate", *small.notes.options, "--json", end=fault)
        assert ended.code == 0, ended.stderr
        assert ended.json["certificate"] is None
        assert "There is no certificate: " in ended.json["warnings"][-1]
        assert "Traceback" not in ended.stderr
    assert bodies(client, "Note") == rows(small.notes.source)


def test_an_embedded_server_ends_on_a_full_disk(tmp_path: Path) -> None:
    """Its end, which cannot be written down then, is no failure; the first start of another one is, in a line."""
    with small_disk(tmp_path / "server", 64) as disk:
        with embedded_server(disk.path, say=lambda _: None):
            disk.fill()
        assert running_server(disk.path) is None
        disk.make_room()
        with embedded_server(disk.path, say=lambda _: None) as address:
            assert running_server(disk.path) == address
    with small_disk(tmp_path / "new", 1) as disk, disk.full():
        begun = embedded_server(disk.path, say=lambda _: None)
        with (
            pytest.raises(StorageError, match=r"cannot be written: No space left on device: 0 bytes are free\."),
            begun,
        ):
            pass
