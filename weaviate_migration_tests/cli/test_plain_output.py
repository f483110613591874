"""What commands print of others' names is shown as it is: nothing in it is markup."""

from pathlib import Path

import pytest

from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.source.databases import make

COLUMN = "[b]size[/i]"
MAPPING = """\
name: brackets
collections:
  - name: Note
    table: "[/notes]"
    properties:
      - {name: body, column: body, index: words}
"""


@pytest.mark.parametrize("command", ["plan", "audit"])
def test_names_with_brackets(tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = make(tmp_path / "app.db", f'CREATE TABLE "[/notes]" (id INTEGER PRIMARY KEY, body, "{COLUMN}")')
    make(file, "INSERT INTO \"[/notes]\" VALUES (1, '[x]', 2), (2, 7, 3)")
    mapping = tmp_path / "brackets.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    ended = run_here(command, "--sqlite-url", file, "--mapping", mapping, "--work-dir", tmp_path / "work")
    assert ended.code == 0, ended.stderr
    assert COLUMN in ended.stdout
    assert "[/notes]" in ended.stdout
