"""Names, keys and values with control characters: no command sends one to a terminal, which would obey it."""

import re
from pathlib import Path

import pytest
import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import Ended, at, run_here
from weaviate_migration_tests.source.databases import make

# A colour, the title of the window, a bell, one byte of the 8-bit controls, a carriage return.
CONTROLS = "\x1b[31m\x1b]0;owned\x07\x9b2J\r"
SHOWN = "\\x1b[31m"
# What only a terminal's own programs may send; line feeds and tabs are of the layout.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MAPPING = r"""
name: "controls"
unmapped: warn
collections:
  - name: Note
    table: "notes \e[31m\e]0;owned\a\x9b2J\r"
    properties:
      - {name: size, column: "size \e[31m\e]0;owned\a\x9b2J\r", type: int, on_unfit: refuse}
"""


@pytest.fixture
def options(tmp_path: Path) -> list[object]:
    """A file of which one row is refused, and that has a table that no collection takes."""
    table, column = f'"notes {CONTROLS}"', f'"size {CONTROLS}"'
    file = make(tmp_path / "app.db", f"CREATE TABLE {table} (id TEXT PRIMARY KEY, {column})")
    make(file, f"INSERT INTO {table} VALUES ('a{CONTROLS}', 1), ('b{CONTROLS}', 'no size {CONTROLS}')")
    make(file, f'CREATE TABLE "other {CONTROLS}" (id INTEGER PRIMARY KEY)')
    make(file, f'INSERT INTO "other {CONTROLS}" VALUES (1)')
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    return ["--sqlite-url", file, "--work-dir", tmp_path / "work", "--mapping", mapping]


def printable_output(ended: Ended, code: int) -> str:
    """What a command printed in all, held to be without control characters."""
    assert ended.code == code, ended.stderr
    printed = ended.stdout + ended.stderr
    assert not OBEYED.findall(printed), printed
    return printed


def test_every_command(
    options: list[object], tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient
) -> None:
    for command in ("plan", "audit"):
        for form in ((), ("--json",)):
            printed = printable_output(run_here(command, *options, *form), 0)
            assert form or SHOWN in printed
    with_server = [*options, *at(server)]
    log = tmp_path / "log.jsonl"
    assert SHOWN in printable_output(run_here("migrate", *with_server, "--live", "--log-file", log), 3)
    assert not OBEYED.findall(log.read_text(encoding="utf-8"))
    for command, code in (("sync", 0), ("verify", 3), ("cutover", 3), ("postflight", 3), ("status", 0)):
        for form in ((), ("--json",)):
            printable_output(run_here(command, *with_server, *form), code)
    for words in (["quarantine", "list"], ["checks"]):
        ended = run_here(*words, *options)
        printable_output(ended, ended.code)
    report, page = tmp_path / "report.md", tmp_path / "report.html"
    printable_output(run_here("report", *with_server, "--markdown", report, "--html", page), 0)
    assert not OBEYED.findall(report.read_text(encoding="utf-8") + page.read_text(encoding="utf-8"))
    printable_output(run_here("rollback", "--work-dir", tmp_path / "work", *at(server), "--discard"), 0)
    assert list(client.alias.list_all()) == []
