"""What a command imports: most of a short command's time goes there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import weaviate_migration
from weaviate_migration.cli import COMMANDS, cli
from weaviate_migration.mapping import read_mapping
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.notes import MAPPING, note_file

# What takes from a tenth of a second to a second to import.
HEAVY = {"dagster", "grpc", "pandas", "pyarrow", "sqlalchemy", "weaviate"}
COMMAND = "from weaviate_migration.cli import main; main()"


def imported_by(program: str, folder: Path, *arguments: object) -> set[str]:
    """The heavy libraries that a process of its own has imported when it ends, which it must do well."""
    note = folder / "modules.json"
    watched = (
        "import atexit, json, pathlib, sys; note = pathlib.Path(sys.argv.pop(1)); "
        f"atexit.register(lambda: note.write_text(json.dumps(list(sys.modules)))); {program}"
    )
    checkout = Path(weaviate_migration.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, "-c", watched, note, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(checkout), *sys.path])},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return {name.partition(".")[0] for name in json.loads(note.read_text())} & HEAVY


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Path]:
    """A file with notes, their mapping, and a work folder with a migration that has just begun."""
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(MAPPING.format(missing="refuse", more=""))
    source, work_dir = note_file(tmp_path / "notes.db"), tmp_path / "work"
    WorkFolder(work_dir).records.resume_or_begin(source, read_mapping(mapping), "")
    return {"--sqlite-url": source, "--mapping": mapping, "--work-dir": work_dir}


def chosen(options: dict[str, Path], *names: str) -> Iterator[object]:
    """These options as arguments."""
    for name in names:
        yield from (name, options[name])


def test_importing_the_package_imports_no_library(tmp_path: Path) -> None:
    assert imported_by("import weaviate_migration", tmp_path) == set()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_no_command(option: str, tmp_path: Path) -> None:
    assert imported_by(COMMAND, tmp_path, option) == set()


def test_plan_imports_what_reads_a_database_only(options: dict[str, Path], tmp_path: Path) -> None:
    assert imported_by(COMMAND, tmp_path, "plan", *chosen(options, *options)) == {"sqlalchemy"}


def test_init_imports_no_dagster_and_no_pandas(options: dict[str, Path], tmp_path: Path) -> None:
    arguments = ["init", *chosen(options, "--sqlite-url", "--work-dir"), "--output", tmp_path / "drawn_up.yaml"]
    assert not imported_by(COMMAND, tmp_path, *arguments) & {"dagster", "pandas"}


def test_quarantine_list_imports_no_client_and_no_dagster(options: dict[str, Path], tmp_path: Path) -> None:
    assert imported_by(COMMAND, tmp_path, "quarantine", "list", *chosen(options, "--work-dir")) == {"sqlalchemy"}


def test_status_imports_neither_dagster_nor_the_client_where_nothing_was_begun(
    options: dict[str, Path], tmp_path: Path
) -> None:
    arguments = ["status", *chosen(options, "--mapping"), "--work-dir", tmp_path / "other"]
    assert imported_by(COMMAND, tmp_path, *arguments) == {"sqlalchemy"}


@pytest.mark.parametrize("command", ["sync", "rollback", "cleanup", "quarantine_retry"])
def test_commands_that_run_no_job_import_no_dagster(command: str, tmp_path: Path) -> None:
    assert "dagster" not in imported_by(f"import weaviate_migration.api.{command}", tmp_path)


def test_the_client_is_imported_without_a_warning(tmp_path: Path) -> None:
    assert imported_by("import weaviate_migration, weaviate", tmp_path) >= {"weaviate"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_the_line_that_each_command_has_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    line = command.get_short_help_str(limit=200)
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=250).output
    assert line
    assert f"  {name} " in shown
    assert line in shown
