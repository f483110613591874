"""Standard output that cannot encode every character: every command escapes what it cannot, and ends as always."""

import json
import re
from pathlib import Path

import pytest

from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.encoding import json_text
from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.alerts import IncidentBook
from weaviate_migration.monitoring.alerts.conditions import Condition, Judgement, Kind
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration_tests.cli.test_options import COMMANDS, options_of
from weaviate_migration_tests.live.command_line import Ended, run_command, run_encoded
from weaviate_migration_tests.source.databases import make

# A letter of Latin-1, one of cp1252 alone, others of neither, one beyond 16 bits.
TEXT = "é€→ключ日本🎉"
MAPPING = f"""\
name: letters
collections:
  - name: Note
    table: "{TEXT}"
    properties:
      - {{name: noteId, column: id, index: whole}}
      - {{name: size, column: "size {TEXT}", type: int}}
"""
ENCODINGS = ("cp1252", "latin-1", "ascii")
# They make a file, or start a server, and need seconds for it; `live/test_encodings.py` has the others with a server.
NOT_HERE = {"demo", "server"}
# `init` without a file writes a document on standard output, which is UTF-8.
OPTIONS = {"cleanup": ["--yes"], "init": ["--output", "/dev/null", "--force"]}
NO_SERVER = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose names, keys and values have letters of all kinds: a file, and a migration of it that is begun."""
    folder = tmp_path_factory.mktemp("letters") / TEXT
    folder.mkdir()
    file = make(folder / "app.db", f'CREATE TABLE "{TEXT}" (id TEXT PRIMARY KEY, "size {TEXT}")')
    make(file, f"INSERT INTO \"{TEXT}\" VALUES ('{TEXT}', '{TEXT}'), ('b', 1)")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    work_folder = WorkFolder(folder / "work")
    record = work_folder.records.resume_or_begin(file, read_mapping(folder / "mapping.yaml"), "")
    work_folder.records.update(record, bounds={TEXT: ("00",) * 15})
    work_folder.sync_positions.save(record.id, LogPosition(capture="c", epoch=1, position=0, entry=None))
    with work_folder.quarantine(record, read_mapping(folder / "mapping.yaml").collections[0]) as quarantine:
        quarantine.add("00", QuarantinedRow(TEXT, None, TEXT, {TEXT: TEXT}))
    config = create_migration_config("", work_dir=folder / "work")
    book = IncidentBook(WorkFolder.of(config))
    book.settle(Judgement((Condition(Kind.RUN_FAILED, TEXT, TEXT, TEXT),)))
    return folder


def run(encoding: str, name: str, letters: Path, *more: object) -> Ended:
    known = {
        "--sqlite-url": letters / "app.db",
        "--mapping": letters / "mapping.yaml",
        "--work-dir": letters / "work",
        "--weaviate-url": NO_SERVER,
    }
    if name == "capture remove":
        run(encoding, "capture install", letters)
    options = options_of(COMMANDS[name])
    taken = [word for option, value in known.items() if option in options for word in (option, value)]
    return run_encoded(encoding, *name.split(), *taken, *OPTIONS.get(name, ()), *more)


def without_times(text: str) -> str:
    return re.sub(r"[\d.:T-]+", "", text)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - NOT_HERE))
def test_command_ends_as_with_utf_8(name: str, encoding: str, letters: Path) -> None:
    """What is written decodes again, or `run_encoded` would have raised; JSON says the same."""
    expected = run("utf-8", name, letters)
    found = run(encoding, name, letters)
    assert (found.code, "Traceback" in found.stderr) == (expected.code, False)
    as_json = run(encoding, name, letters, "--json")
    assert as_json.code == run("utf-8", name, letters, "--json").code
    if as_json.stdout:
        json.loads(as_json.stdout)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["audit", "plan", "status", "quarantine list", "checks"])
def test_json_says_the_same(name: str, encoding: str, letters: Path) -> None:
    expected, found = run("utf-8", name, letters, "--json"), run(encoding, name, letters, "--json")
    assert found.json.keys() == expected.json.keys()
    assert without_times(json.dumps(found.json)) == without_times(json.dumps(expected.json))


def test_the_letters_are_shown_at_all(letters: Path) -> None:
    """The others are escaped, and only they."""
    assert TEXT in run("utf-8", "plan", letters).stdout
    assert "é€\\u2192\\u043a" in run("cp1252", "plan", letters, "--json").stdout
    for name in ("audit", "quarantine list", "capture status"):
        assert "\\u2192" in run("ascii", name, letters).stdout, name


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_document_on_standard_output_is_utf_8_like_its_file(option: str, letters: Path, tmp_path: Path) -> None:
    """What reads it goes by the document, not by this terminal."""
    options = ["checks", "--mapping", letters / "mapping.yaml", "--work-dir", letters / "work", option]
    file = tmp_path / "document"
    run_encoded("utf-8", *options, file)
    written = run_command(*options, "-", PYTHONIOENCODING="ascii")
    assert written.stdout == file.read_text(encoding="utf-8")


def test_mapping_on_standard_output_is_utf_8_too(letters: Path) -> None:
    options = ["--sqlite-url", letters / "app.db", "--work-dir", letters / "work"]
    ended = run_command("init", *options, PYTHONIOENCODING="ascii")
    assert ended.code == 0, ended.stderr
    assert f'column: "size {TEXT}"' in ended.stdout


@pytest.mark.parametrize("arguments", [("audit",), ("audit", "--json"), ("status",)])
def test_process_with_such_an_encoding(arguments: tuple[str, ...], letters: Path) -> None:
    options = ["--mapping", letters / "mapping.yaml", "--work-dir", letters / "work"]
    source = ["--sqlite-url", letters / "app.db"]
    ended = run_command(*arguments, *options, *source, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ended.code == 0, ended.stderr
    assert ended.stdout.isascii()


def test_json_escapes_are_those_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow:
        encoding = "latin-1"

    monkeypatch.setattr("sys.stdout", Narrow())
    text = json_text({TEXT: ["\ud800", "é", '"\n']})
    assert json.loads(text) == {TEXT: ["\ud800", "é", '"\n']}
    assert "é\\u20ac\\u2192" in text
    assert "\\ud83c\\udf89" in text
