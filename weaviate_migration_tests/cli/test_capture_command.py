"""`weaviate-migration capture`: no server is needed."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from weaviate_migration.api.capture import CaptureStatus, change_capture_status
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.mapping import read_mapping
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, run_here
from weaviate_migration_tests.source.databases import connect, fingerprint, make

MAPPING = """\
name: notes
missing: warn
collections:
  - {name: Note, table: notes, properties: [{name: noteId, column: id, index: whole}]}
  - {name: Line, table: lines, properties: [{name: lineId, column: id, index: whole}]}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "notes.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "source").mkdir()
    return make(tmp_path / "source" / "app.db", "CREATE TABLE notes (id TEXT PRIMARY KEY)", "CREATE TABLE lines (id)")


def run(source: Path, command: str, *more: object, work_dir: str = "work") -> Ended:
    folder = source.parent.parent
    options: list[object] = ["--sqlite-url", source, "--work-dir", folder / work_dir, *more]
    if command != "remove":
        options += ["--mapping", folder / "notes.yaml"]
    return run_here("capture", command, *options)


def status(source: Path) -> CaptureStatus:
    folder = source.parent.parent
    config = create_migration_config(str(source), mapping=folder / "notes.yaml", work_dir=folder / "work")
    return change_capture_status(config)


def test_install_look_remove(source: Path, tmp_path: Path) -> None:
    before = fingerprint(source.parent)
    absent = run(source, "status")
    assert absent.code == 0
    assert absent.stdout.startswith(f"{source} has no capture of this work folder: ")
    assert fingerprint(source.parent) == before, "looking changes nothing"

    installed = run(source, "install")
    assert installed.code == 0, installed.stderr
    identity = WorkFolder(tmp_path / "work").capture_id
    assert installed.stdout.splitlines() == [
        f"Capture {identity}, epoch 1: notes",
        "Entries in the log: 1, the newest at position 1",
        "warning: changes of lines are not followed: it has no key; if columns identify a row, name them in `key`",
    ]
    make(source, "INSERT INTO notes VALUES ('a')")
    shown: dict[str, Any] = run(source, "status", "--json").json
    assert (shown["capture_id"], shown["tables"], shown["entries"]) == (identity, ["notes"], 2)
    assert (shown["last_position"], shown["damage"], shown["others"]) == (2, [], [])

    removed = run(source, "remove", "--json")
    assert len(removed.json["removed"]) == 6
    assert WorkFolder(tmp_path / "work").capture_id is None
    assert status(source).capture_id is None
    assert run(source, "install").code == 0
    assert WorkFolder(tmp_path / "work").capture_id not in (None, identity), "positions of the first mean nothing now"


def test_damage_and_its_mending(source: Path) -> None:
    run(source, "install")
    make(source, "ALTER TABLE notes ADD COLUMN title")
    damaged = run(source, "status")
    assert damaged.code == 1
    assert "damaged: table `notes` was altered" in damaged.stdout
    assert "`weaviate-migration capture install`" in damaged.stdout
    mended = run(source, "install")
    assert (mended.code, mended.stdout.splitlines()[0][-14:]) == (0, "epoch 2: notes")
    assert run(source, "status").code == 0


def test_a_log_that_is_gone(source: Path, tmp_path: Path) -> None:
    run(source, "install")
    identity = WorkFolder(tmp_path / "work").capture_id
    for statement in (
        f"DELETE FROM _weaviate_migration_{identity}_changes",
        f"DROP TABLE _weaviate_migration_{identity}_changes",
    ):
        make(source, statement)
        assert run(source, "status").code == 1
        failed = run(source, "install")
        assert (failed.code, failed.complaint[-1]) == (
            1,
            "Remove what is left with `weaviate-migration capture remove`, and install it again.",
        )
    assert run(source, "remove").code == 0
    assert run(source, "install").code == 0


def test_captures_of_several_work_folders(source: Path) -> None:
    run(source, "install")
    other = run(source, "install", "--json", work_dir="other").json
    assert other["others"] == [status(source).capture_id]
    assert status(source).others == (other["capture_id"],)
    assert f"capture {other['capture_id']} of another work folder" in run(source, "status").stdout
    assert run(source, "remove", "--id", other["capture_id"]).stdout == "Removed 6 triggers and tables.\n"
    assert status(source).others == ()
    assert status(source).damage == ()
    assert status(source).capture_id is not None


@pytest.mark.parametrize("more", [(), ("--id", "0123abcd")])
def test_nothing_to_remove(source: Path, more: tuple[str, ...]) -> None:
    before = fingerprint(source.parent)
    refused = run(source, "remove", *more)
    assert refused.code == 2
    assert "has no capture" in refused.stderr
    assert fingerprint(source.parent) == before


@pytest.mark.parametrize("command", ["install", "remove"])
def test_not_while_a_migration_is_running(source: Path, tmp_path: Path, command: str) -> None:
    run(source, "install")
    with FileLock(tmp_path / "work" / "migrate.lock"):
        refused = run(source, command)
    assert refused.code == 2
    assert "Another migration is running" in refused.stderr


def test_none_of_the_mapped_tables(source: Path) -> None:
    with closing(connect(source)) as connection:
        connection.executescript("DROP TABLE notes; DROP TABLE lines")
    assert run(source, "install").code == 2


def test_the_source_of_the_migration_on_record_needs_no_name(source: Path, tmp_path: Path) -> None:
    """As `status` names the command where capture is damaged."""
    options = ["--work-dir", tmp_path / "work", "--mapping", tmp_path / "notes.yaml"]
    unknown = run_here("capture", "install", *options)
    assert (unknown.code, unknown.stderr.splitlines()[0]) == (2, "error: No SQLite file is named.")
    WorkFolder(tmp_path / "work").records.resume_or_begin(source, read_mapping(tmp_path / "notes.yaml"), "")
    assert run_here("capture", "install", *options).code == 0
    shown: dict[str, Any] = run_here("capture", "status", "--json", *options).json
    assert (shown["source"], shown["tables"]) == (str(source), ["notes"])
    assert run_here("capture", "remove", "--work-dir", tmp_path / "work").code == 0
