"""What a person can get wrong, and what can be wrong with a file: each has its exit code and says what to do.

Nothing is written to the source then, and nothing is left in Weaviate.
"""

import hashlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import weaviate
from filelock import FileLock

from weaviate_migration_tests.live.command_line import (
    LARGEST_FILE,
    WITH_FILE_LIMIT,
    WITHOUT_RIGHTS,
    Ended,
    empty,
    end_of,
    has_open,
    holdings,
    run_command,
    run_here,
    started,
    until,
)
from weaviate_migration_tests.live.notes import (
    TABLE,
    NoteMigration,
    note_file,
    note_file_with_unsaved_wal,
    note_rows,
)
from weaviate_migration_tests.source.databases import connect, fingerprint, read_only

PAGE = 4096


SOMEBODYS = ["Somebody"], {"Someone": "Somebody"}


@pytest.fixture
def client(connected: weaviate.WeaviateClient) -> weaviate.WeaviateClient:
    """A server that somebody else uses, too; made again only where the test before has left something."""
    if holdings(connected) != SOMEBODYS:
        empty(connected)
        connected.collections.create("Somebody")
        connected.alias.create(alias_name="Someone", target_collection="Somebody")
    return connected


@contextmanager
def nothing_touched(notes: NoteMigration, client: weaviate.WeaviateClient) -> Iterator[None]:
    """The source's folder is the same afterwards, and so is what Weaviate holds."""
    files, before = written_files(notes.source.parent), holdings(client)
    yield
    assert written_files(notes.source.parent) == files
    assert holdings(client) == before


def written_files(folder: Path) -> dict[str, str]:
    """Names and hashes of the files, without those that SQLite makes for each reader of a file in WAL mode."""
    empty_wal = hashlib.sha256().hexdigest()
    return {
        name: digest
        for name, digest in fingerprint(folder).items()
        if not name.endswith("-shm") and not (name.endswith("-wal") and digest == empty_wal)
    }


def complaint(ended: Ended, code: int) -> str:
    """What is said about the error: a line on what is wrong, then one on what to do."""
    assert ended.code == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.complaint[0].startswith("error: ")
    assert 2 <= len(ended.complaint) <= 3
    return "\n".join(ended.complaint)


def as_rollback_journal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = delete")


def make_no_file(path: Path) -> None:
    path.unlink()


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def make_other_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")


def make_text(path: Path) -> None:
    path.write_text("id,body\n1,hello\n" * 1000)


def make_random(path: Path) -> None:
    path.write_bytes(random.Random(3).randbytes(2 * PAGE))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (make_no_file, ["No such file", "path"]),
        (make_folder, ["is a folder", "Name the file"]),
        (make_empty, ["is empty", "application's database"]),
        (make_other_database, ["none of the mapped tables (notes)", "it has users", "give a mapping"]),
        (make_text, ["is no SQLite file", "application's database"]),
        (make_random, ["look encrypted", "decrypted"]),
    ],
)
def test_what_is_no_source(
    notes: NoteMigration, client: weaviate.WeaviateClient, spoil: Callable[[Path], None], words: list[str]
) -> None:
    spoil(notes.source)
    with nothing_touched(notes, client):
        said = complaint(notes.migrate(), 2)
    assert str(notes.source) in said
    assert all(word in said for word in words), said


def test_error_of_a_process_of_its_own_is_told_alike(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    notes.source.unlink()
    with nothing_touched(notes, client):
        ended = run_command("migrate", *notes.options)
    assert ended.stderr.splitlines() == complaint(notes.migrate(), 2).splitlines()
    assert ended.code == 2
    assert ended.stdout == ""


def test_json_is_printed_of_a_failure_too(notes: NoteMigration) -> None:
    notes.source.unlink()
    ended = notes.migrate("--json")
    assert (ended.code, ended.json["success"], ended.json["exit_code"]) == (2, False, 2)
    assert "No such file" in ended.json["errors"][0]


def test_corrupt_database(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    notes.source.unlink()
    note_file(notes.source, rows=2000)
    as_rollback_journal(notes.source)
    content = notes.source.read_bytes()
    middle = len(content) // 2 // PAGE * PAGE
    notes.source.write_bytes(content[:middle] + b"\xa5" * PAGE + content[middle + PAGE :])
    with nothing_touched(notes, client):
        said = complaint(notes.migrate(), 1)
    assert "is damaged" in said
    assert ".recover" in said
    assert not list((notes.work_dir / "snapshots").glob("*"))


def test_locked_for_writing_works(notes: NoteMigration) -> None:
    as_rollback_journal(notes.source)
    with closing(connect(notes.source)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM notes")
        ended = notes.migrate("--json")
        writer.execute("ROLLBACK")
    assert ended.code == 0, ended.stderr
    assert ended.json["migrated_records"] == len(list(note_rows()))


def test_exclusive_lock_is_waited_for(notes: NoteMigration) -> None:
    as_rollback_journal(notes.source)
    with closing(connect(notes.source)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with started("migrate", *notes.options, "--json") as command:
            until(lambda: has_open(command.pid, notes.source))
            writer.execute("ROLLBACK")
            ended = end_of(command)
    assert ended.code == 0, ended.stderr


def test_exclusive_lock_that_stays_is_told(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """The one test that waits: 30 seconds."""
    as_rollback_journal(notes.source)
    with closing(connect(notes.source)) as writer, nothing_touched(notes, client):
        writer.execute("BEGIN EXCLUSIVE")
        said = complaint(notes.migrate(), 1)
        writer.execute("ROLLBACK")
    assert "is locked by another program, for longer than 30 s" in said
    assert "try again" in said


@pytest.mark.parametrize("make", [note_file_with_unsaved_wal, note_file])
def test_read_only_file_in_a_read_only_folder(
    notes: NoteMigration, client: weaviate.WeaviateClient, make: Callable[[Path], Path]
) -> None:
    folder = notes.source.parent
    for path in folder.iterdir():
        path.unlink()
    make(notes.source)
    files = fingerprint(folder)
    with read_only(folder):
        ended = run_command("migrate", *notes.options, "--json", before=WITHOUT_RIGHTS)
    assert ended.code == 0, ended.stderr
    assert fingerprint(folder) == files
    found = {item.properties["noteId"] for item in client.collections.use("Note").iterator()}
    assert found == {row[0] for row in note_rows()}


def test_no_disk_space_for_the_snapshot(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    notes.source.unlink()
    note_file(notes.source, rows=200, more="x" * (2 * LARGEST_FILE // 200))
    with nothing_touched(notes, client):
        ended = run_command("migrate", *notes.options, before=WITH_FILE_LIMIT)
    said = complaint(ended, 1)
    assert "the snapshot" in said
    assert "cannot be written" in said
    assert "Make room" in said
    assert not list((notes.work_dir / "snapshots").iterdir())


def test_table_without_a_primary_key(notes: NoteMigration) -> None:
    notes.source.unlink()
    note_file(notes.source, table=TABLE.replace("NOT NULL PRIMARY KEY", ""))
    ended = notes.migrate("--json")
    assert ended.code == 0, ended.stderr
    assert "told apart by their rowid" in ended.json["warnings"][0]
    assert "warning: table `notes` has no primary key" in ended.stderr


def test_unknown_table_of_the_mapping(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    collection = notes.mapping.read_text().partition("collections:")[2]
    other = collection.replace("name: Note\n", "name: Other\n").replace("table: notes", "table: noets")
    notes.mapping.write_text(notes.mapping.read_text() + other)
    with nothing_touched(notes, client):
        said = complaint(notes.migrate(), 2)
    assert "Other: there is no table `noets`; did you mean `notes`?" in said


def test_unknown_column_of_the_mapping(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    notes.mapping.write_text(notes.mapping.read_text().replace("column: body", "column: bodi"))
    with nothing_touched(notes, client):
        said = complaint(notes.migrate(), 2)
    assert "Note: table `notes` has no column `bodi`; did you mean `body`?" in said


@pytest.mark.parametrize("foreign", ["collection", "alias"])
def test_name_that_somebody_else_has(notes: NoteMigration, client: weaviate.WeaviateClient, foreign: str) -> None:
    if foreign == "collection":
        client.collections.create("Note")
    else:
        client.alias.create(alias_name="Note", target_collection="Somebody")
    with nothing_touched(notes, client):
        said = complaint(notes.migrate(), 2)
        assert f"the {foreign} `Note`" in said
        assert "--prefix" in said
    assert notes.migrate("--prefix", "My").code == 0
    assert client.alias.exists(alias_name="MyNote")


NUMBERS = [
    *(("--batch-size", value) for value in ("0", "-1", "many", "1.5")),
    *(("--workers", value) for value in ("0", "-1", "many")),
    *(("--memory-limit-mb", value) for value in ("0", "-1", "much", "383")),
    *(("--validation-sample", value) for value in ("0", "-1", "all")),
    *(("--max-retries", value) for value in ("-1", "often")),
    *(("--retry-delay", value) for value in ("-1", "soon", "nan", "inf")),
    *(("--grpc-port", value) for value in ("0", "65536", "grpc")),
]


@pytest.mark.parametrize(("option", "value"), NUMBERS)
def test_number_out_of_its_range(notes: NoteMigration, option: str, value: str) -> None:
    said = complaint(notes.migrate(option, value), 2)
    assert option in said.splitlines()[0]
    assert "--help" in said
    assert not notes.work_dir.exists()


def test_wrong_settings_are_told_all_at_once(notes: NoteMigration) -> None:
    said = complaint(notes.migrate("--batch-size", 0, "--workers", -1, "--prefix", "lower"), 2)
    assert all(option in said for option in ("--batch-size", "--workers", "--prefix"))


def test_wrong_number_in_the_environment(notes: NoteMigration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAVIATE_MIGRATION_BATCH_SIZE", "many")
    assert "--batch-size" in complaint(notes.migrate(), 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--weaviate-url", "ftp://localhost"], ["ftp://localhost", "http://localhost:8080"]),
        (["--weaviate-url", "localhost:8080"], ["localhost:8080", "http://localhost:8080"]),
        (["--weaviate-url", "http://127.0.0.1:1"], ["no Weaviate answers", "--weaviate-url"]),
        (["--api-key", "wrong"], ["refuses the API key", "--api-key"]),
        (["--grpc-port", "1"], ["its gRPC", "--grpc-port"]),
        (["--sqlite-url", "postgresql://user:secret@host/db"], ["not postgresql", "sqlite:///"]),
        (["--sqlite-url", ""], ["source must be a SQLite file", "Give a path"]),
        (["--mapping", "no.yaml"], ["no.yaml: No such file", "--mapping"]),
        (["--work-dir", "/proc/work"], ["/proc/work cannot be written to", "--work-dir"]),
        (["--log-file", "/proc/log"], ["/proc/log cannot be written", "--log-file"]),
        (["--no-such-option"], ["--no-such-option", "--help"]),
    ],
)
def test_wrong_address(
    notes: NoteMigration, client: weaviate.WeaviateClient, options: list[str], words: list[str]
) -> None:
    with nothing_touched(notes, client):
        said = complaint(notes.migrate(*options), 2)
    assert all(word in said for word in words), said
    assert "secret" not in said


def test_no_source_named(notes: NoteMigration) -> None:
    assert "--sqlite-url" in complaint(run_here("migrate", "--work-dir", notes.work_dir), 2)


def test_nothing_to_roll_back(notes: NoteMigration) -> None:
    assert "No migration is on record" in complaint(notes.roll_back(), 2)


def test_two_migrations_in_one_work_folder(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    notes.work_dir.mkdir()
    with FileLock(notes.work_dir / "migrate.lock"), nothing_touched(notes, client):
        said = complaint(run_command("migrate", *notes.options), 2)
    assert "Another migration is running" in said
    assert "--work-dir" in said
