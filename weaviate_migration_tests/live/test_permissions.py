"""Nobody but its owner gets at what a command creates, whatever the umask; files that the user names follow that."""

import stat
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at, run_command, run_here
from weaviate_migration_tests.source.databases import make

MAPPING = """
name: notes
collections:
  - name: Note
    table: notes
    properties:
      - {name: size, column: size, type: int, on_unfit: refuse}
"""
WIDE_OPEN = "import os; os.umask(0)"


def open_to_others(*folders: Path) -> list[str]:
    """What others may do anything with, in these folders and of them."""
    found = [each for folder in folders for each in (folder, *folder.rglob("*"))]
    assert len(found) > len(folders)
    return [str(each) for each in found if not each.is_symlink() and stat.S_IMODE(each.stat().st_mode) & 0o077]


@pytest.mark.usefixtures("client")
def test_all_that_a_migration_creates(tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient) -> None:
    file = make(tmp_path / "app.db", "CREATE TABLE notes (id TEXT PRIMARY KEY, size)")
    make(file, "INSERT INTO notes VALUES ('a', 1), ('b', 'no size')")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    work, storage = tmp_path / "work", tmp_path / "storage"
    named = [tmp_path / name for name in ("log.jsonl", "metrics.prom", "report.html", "report.md")]
    log, metrics, page, text = named
    options = ["--work-dir", work, *at(server)]
    own = ["--sqlite-url", file, "--mapping", mapping, "--storage", storage]
    outputs = ["--live", "--log-file", log, "--metrics-file", metrics]
    migrated = run_command("migrate", *options, *own, *outputs, before=WIDE_OPEN)
    assert migrated.code == 3, migrated.stderr
    assert run_command("report", *options, "--html", page, "--markdown", text, before=WIDE_OPEN).code == 0
    of_migration = [each for each in storage.iterdir() if each.is_dir()]
    assert open_to_others(work, *of_migration) == []
    for part in (
        storage / "snapshots",
        storage / "extracts",
        storage / "quarantine",
        work / "state.sqlite",
        work / "dagster_home/dagster.yaml",
    ):
        assert part.exists(), part
    assert {each.name: stat.S_IMODE(each.stat().st_mode) for each in named} == {each.name: 0o666 for each in named}
    for each in (work, *work.rglob("*"), *storage.rglob("*")):
        each.chmod(each.stat().st_mode | 0o055)
    assert run_here("status", *options, *own).code == 0
    assert open_to_others(work, *of_migration) == []
    assert client.collections.list_all()
