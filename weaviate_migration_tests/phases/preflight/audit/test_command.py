"""`weaviate-migration audit`: no server is needed."""

import json
from pathlib import Path
from typing import Any

import pytest

from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.source.databases import make

MAPPING = """\
name: notes
missing: warn
collections:
  - name: Note
    table: notes
    key: [id]
    properties:
      - {name: noteId, column: id, index: whole}
      - {name: size, column: size, type: int}
      - {name: gone, column: gone, index: words}
    relations: [{column: parent, to_table: notes}]
    omit: {password: a secret}
  - name: Page
    table: pages
    properties: [{name: key, column: id, index: whole}]
"""


@pytest.fixture
def options(tmp_path: Path) -> list[object]:
    source = make(
        tmp_path / "app.db",
        "CREATE TABLE notes (id, size INTEGER, parent, mood, password)",
        "CREATE TABLE users (id INTEGER PRIMARY KEY)",
        "INSERT INTO notes VALUES ('a', 1, NULL, 'good', 'x'), ('[b]', 9007199254740993, 'z', 7, 'x')",
        "INSERT INTO notes VALUES (NULL, 2, 'a', NULL, 'x'), ('c', 'about 3', 'a', '[red]', 'x')",
        "INSERT INTO notes VALUES ('c', 3, 'a', '', 'x'), ('C', 3, 'a', NULL, 'x')",
    )
    mapping = tmp_path / "notes.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    return ["--sqlite-url", source, "--mapping", mapping, "--work-dir", tmp_path / "work"]


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_on_the_terminal(options: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ended = run_here("audit", *options)
    assert ended.code == 0, ended.stderr
    shown = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    for line in (
        "notes 6 Note 2 3 1",
        "pages not in the file Page",
        "users 0 not migrated",
        "notes → Note",
        "→ size 1 integers beyond ±(2^53 - 1), which Weaviate would alter: left out [b]",
        "→ size 1 texts where integers belong: left out c",
        "1 text: 'about 3' to 'about 3'",
        "3 text: '' to 'good'",
        "notes: rows with NULL in their key: 1, such as rowid 3",
        "notes: rows whose key another row has, too: 2, such as c",
        "notes: keys that differ from another one in case only: 3, such as C, c",
        "notes: rows whose parent is no key of notes: 1, such as [b]",
        "notes: only in source_columns: parent, mood",
        "notes: nowhere, as the mapping says: password (a secret)",
        "notes: in the mapping, but not in the file: gone",
        "left out: the property is left out; the value is kept verbatim",
    ):
        assert line in shown, ended.stdout
    assert shown[-1] == "3 of 6 rows would be refused."


def test_narrow_terminals_continue_on_the_next_line(options: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    tables = run_here("audit", *options).stdout.partition("only in source_columns")[0]
    assert max(map(len, tables.splitlines())) <= 80
    assert "…" not in tables
    assert "which" in tables
    assert "alter" in tables


def test_json(options: list[object]) -> None:
    ended = run_here("audit", *options, "--json")
    assert ended.code == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    assert list(found) == ["rows", "refused", "tables", "not_migrated", "warnings", "omitted_tables"]
    assert (found["rows"], found["refused"]) == (6, 3)
    assert found["not_migrated"] == [{"table": "users", "rows": 0}]
    notes, pages = found["tables"]
    assert not pages["exists"]
    assert (notes["table"], notes["collection"], notes["rows"], notes["refused"]) == ("notes", "Note", 6, 3)
    assert notes["key"]["duplicate_examples"] == ["c"]
    (size,) = [column for column in notes["columns"] if column["name"] == "size"]
    assert size["storage_classes"] == {"integer": 5, "text": 1}
    assert size["largest"] == {"integer": 9007199254740993, "text": "about 3"}
    assert size["findings"] == [
        {
            "property": "size",
            "kind": "integer_beyond_2_53",
            "fate": "left out",
            "sentence": "integers beyond ±(2^53 - 1), which Weaviate would alter",
            "count": 1,
            "examples": ["[b]"],
        },
        {
            "property": "size",
            "kind": "text_in_int",
            "fate": "left out",
            "sentence": "texts where integers belong",
            "count": 1,
            "examples": ["c"],
        },
    ]
    assert notes["orphans"] == [{"column": "parent", "to_table": "notes", "count": 1, "examples": ["[b]"]}]
    assert notes["left_out"] == {"password": "a secret"}


def test_no_source(options: list[object]) -> None:
    ended = run_here("audit", *options, "--sqlite-url", "no.db")
    assert ended.code == 2
    assert "No such file" in ended.stderr
