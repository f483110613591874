"""Commands about a migration where none was begun: what to do is said in the words of the command line."""

from pathlib import Path

import pytest

from weaviate_migration_tests.cli.test_options import COMMANDS, OF_A_MIGRATION, options_of
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.notes import make_mapping

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
