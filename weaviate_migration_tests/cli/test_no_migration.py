"""Commands about a migration where none was begun: what to do is said in the words of the command line."""

from pathlib import Path

import pytest

from weaviate_migration_tests.cli.test_options import COMMANDS, OF_A_MIGRATION, options_of
from weaviate_migration_tests.live.command_line import run_command, run_here
from weaviate_migration_tests.live.notes import make_mapping, note_file

NO_SERVER = "http://127.0.0.1:1"
# They show what there is, and that is nothing; `cleanup` has nothing to remove, whatever is begun.
TELL_IN_OTHER_WORDS = {"status", "cleanup"}


@pytest.mark.parametrize("name", OF_A_MIGRATION)
def test_the_next_command_is_named(name: str, tmp_path: Path) -> None:
    known = {
        "--mapping": make_mapping(tmp_path / "notes.yaml"),
        "--work-dir": tmp_path / "work",
        "--weaviate-url": NO_SERVER,
    }
    options = options_of(COMMANDS[name])
    taken = [word for option, value in known.items() if option in options for word in (option, value)]
    ended = run_here(*name.split(), *taken, *(["--yes"] if name == "cleanup" else []))
    said = f"{ended.stdout}{ended.stderr}"
    assert "Materialize" not in said
    assert not ended.stderr.endswith("\n\n")
    if name not in TELL_IN_OTHER_WORDS:
        assert ended.code != 0
        assert "`weaviate-migration migrate" in said


@pytest.mark.parametrize("storage", ["s4://bucket/extracts", "nowhere://extracts"])
@pytest.mark.parametrize("name", ["migrate", "verify", "status", "audit"])
def test_storage_that_nobody_knows_is_told_before_anything_is_made(name: str, storage: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    ended = run_here(name, "--sqlite-url", note_file(tmp_path / "a.db"), "--storage", storage, "--work-dir", work)
    assert ended.code == 2
    assert ended.complaint[0].startswith(f"error: --storage {storage}: ")
    assert "name a folder" in ended.complaint[1]
    assert not work.exists()


def test_work_folder_that_is_a_file_is_told_in_a_process_of_its_own(tmp_path: Path) -> None:
    """There no other test has said where log records go: Python would print them beside the error."""
    source = note_file(tmp_path / "app.db")
    before = source.read_bytes()
    mapping = make_mapping(tmp_path / "notes.yaml")
    ended = run_command("migrate", "--sqlite-url", source, "--mapping", mapping, "--work-dir", source)
    assert ended.code == 2
    assert ended.complaint[0] == f"error: The work folder {source} cannot be written to: {source} is a file."
    assert "--work-dir" in ended.complaint[1]
    assert source.read_bytes() == before
