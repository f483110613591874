"""What commands write: records that say what they are about; and no key, though server and libraries quote it."""

import json
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weaviate_migration.base import redaction
from weaviate_migration.phases.history.load import PartitionLoad
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import Ended, empty, run_here
from weaviate_migration_tests.live.locked_server import KEY
from weaviate_migration_tests.live.notes import NoteMigration, make_mapping, note_file
from weaviate_migration_tests.live.quoting_proxy import run_quoting_proxy
from weaviate_migration_tests.live.written_bytes import files_with

WRONG_KEY = "another-key-that-stays-secret"
PASSWORD = "a-password-that-stays-secret"


@dataclass
class Told:
    """Commands with a log file, and all that they have said."""

    notes: NoteMigration
    ended: dict[str, Ended] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.notes.folder / "log.jsonl"

    @property
    def report(self) -> Path:
        return self.notes.folder / "report.html"

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Of the log file."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def migrate(self, name: str, *more: object) -> Ended:
        options = ["--api-key", KEY, "--log-file", self.log, "--no-rollback", *more]
        self.ended[name] = self.notes.migrate(*options)
        return self.ended[name]

    def run(self, command: str, *more: object) -> None:
        """Runs a command that needs no server, for its JSON."""
        self.ended[command] = run_here(command, *more, "--work-dir", self.notes.work_dir, "--json")

    def leaks(self, secret: str) -> list[str]:
        """Where a secret is: files by name, and commands by what was done."""
        said = [name for name, each in self.ended.items() if secret in each.stdout + each.stderr]
        return said + [path.name for path in files_with(secret.encode(), self.notes.folder)]


def break_off(_: PartitionLoad) -> None:
    """As a library does that prints its request when it fails."""
    raise RuntimeError(f"request failed: headers={{'authorization': 'Bearer {KEY}'}}, key={KEY}")


def begin(folder: Path, server: ServerAddress) -> Told:
    notes = NoteMigration(folder, server)
    note_file(notes.source)
    make_mapping(notes.mapping)
    return Told(notes)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, locked_server: ServerAddress) -> Iterator[Told]:
    """Of one migration each step that could quote the key: refused rows, a call that fails, a fault of a library."""
    with connect(locked_server, KEY) as client:
        empty(client)
    with run_quoting_proxy(locked_server) as (proxy, address), pytest.MonkeyPatch.context() as patch:
        told = begin(tmp_path_factory.mktemp("secrets"), address)
        proxy.quotes, proxy.marked = "in objects", b"note 13"
        elsewhere = _nobody_listens(tmp_path_factory.mktemp("channels"), told.notes.folder / "metrics.prom")
        told.migrate("refused", "--log-level", "DEBUG", "--json", *elsewhere)
        told.run("quarantine", "list")
        proxy.quotes = "in calls"
        told.migrate("overload", "--max-retries", 1, "--retry-delay", 0, "--workers", 1)
        patch.setattr(PartitionLoad, "run", break_off)
        told.migrate("fault", "--log-format", "json")
        told.run("status")
        told.run("checks", "--mapping", told.notes.mapping)
        told.run("report", "--mapping", told.notes.mapping, "--html", told.report)
        yield told


def _nobody_listens(folder: Path, metrics: Path) -> list[object]:
    """Options that say with a password where metrics and alerts go; none arrives, so errors could quote it."""
    alerts = folder / "alerts.yaml"
    alerts.write_text(f"alerts:\n  channels: ['json://me:{PASSWORD}@127.0.0.1:1/hook']\n", encoding="utf-8")
    push = f"http://me:{PASSWORD}@127.0.0.1:1"
    return ["--alerts", alerts, "--metrics-file", metrics, "--metrics-push-url", push]


def test_each_of_them_would_have_quoted_it(told: Told) -> None:
    codes = {name: told.ended[name].code for name in ("refused", "overload", "fault", "quarantine")}
    assert codes == {"refused": 3, "overload": 1, "fault": 1, "quarantine": 3}
    assert "not with {'authorization': 'Bearer ***'}" in told.ended["quarantine"].stdout
    assert "no room for {'authorization': 'Bearer ***'}" in told.ended["overload"].stderr
    log = told.log.read_text(encoding="utf-8")
    assert "RuntimeError: request failed: headers={'authorization': 'Bearer ***'}, key=***" in log
    assert "metrics cannot be pushed to http://127.0.0.1:1" in log
    assert "could not be sent to channels[0]" in log
    assert told.ended["report"].code == 0, told.ended["report"].stderr
    assert "&#39;authorization&#39;: &#39;Bearer ***&#39;" in told.report.read_text(encoding="utf-8")


def test_key_and_passwords_are_in_nothing_that_was_written(told: Told) -> None:
    assert told.leaks(KEY) + told.leaks(PASSWORD) == []


def test_a_wrong_key_and_passwords_are_in_nothing_either(told: Told) -> None:
    for name, more in {
        "wrong key": ["--api-key", WRONG_KEY, "--log-level", "DEBUG"],
        "server": ["--weaviate-url", f"http://me:{PASSWORD}@127.0.0.1:8080"],
        "storage": ["--storage", f"s3://me:{PASSWORD}@bucket"],
        "source": ["--sqlite-url", f"postgresql://me:{PASSWORD}@host/db"],
    }.items():
        assert told.migrate(name, *more).code == 2
    assert told.leaks(WRONG_KEY) + told.leaks(PASSWORD) == []


def test_a_batch_says_which_it_is(told: Told) -> None:
    """Batches are written by threads; they are told with DEBUG only."""
    batches = [line for line in told.lines if line["event"].startswith(("4 objects written", "3 objects written"))]
    assert {line["partition"] for line in batches} == {f"{number:02}" for number in range(16)}
    assert {(line["level"], line["step"], line["batch"]) for line in batches} == {("debug", "note", 1)}
    assert {line["migration_id"] for line in batches} == {told.ended["refused"].json["migration_id"]}
    assert {line["run_id"] for line in batches} == {told.ended["refused"].json["run_id"]}


def test_records_of_steps_are_events_of_the_run(told: Told) -> None:
    run_id = told.ended["refused"].json["run_id"]
    with dagster_instance(told.notes.work_dir) as instance:
        events = [each for each in instance.all_logs(run_id) if each.dagster_event is None]
    ours = [
        line for line in told.lines if line["run_id"] == run_id and line["logger"].startswith("weaviate_migration.")
    ]
    expected = Counter((line["step"], shown(line)) for line in ours if "step" in line)
    assert expected.total() > 16
    assert expected <= Counter((str(each.step_key), each.user_message) for each in events)


def shown(line: dict[str, Any]) -> str:
    """The message as the UI has it: step and run are fields there."""
    about = [line["category"]] if "category" in line else []
    about += [f"{name} {line[name]}" for name in ("partition", "batch") if name in line]
    return f"{line['event']} [{', '.join(about)}]" if about else line["event"]


def test_an_error_says_its_category_and_what_was_tried(told: Told) -> None:
    again = [line for line in told.lines if "sent again" in line["event"]]
    assert {(line["category"], line["attempt"], line["attempts"]) for line in again} == {("overload", 1, 2)}
    assert {(line["step"], line["batch"]) for line in again} == {("note", 1)}
    (failed,) = [line for line in told.lines if "exception" in line and line["category"] == "overload"]
    assert re.match(r"writing objects of Note_\w+: Weaviate is overloaded \(.*\), after 2 attempts", failed["event"])
    assert "Traceback" in failed["exception"] or "Stack Trace" in failed["exception"]
    said = told.ended["overload"].stderr
    assert "after 2 attempts" in said
    assert "Stack Trace" not in said
    assert "Traceback" not in said


def test_with_json_all_of_standard_error_are_records(told: Told) -> None:
    lines = [json.loads(line) for line in told.ended["fault"].stderr.splitlines()]
    assert lines == [line for line in told.lines if line["timestamp"] in {each["timestamp"] for each in lines}]
    assert [line["category"] for line in lines if "exception" in line] == ["internal"]
    assert lines[-1]["event"].startswith("ended with exit code 1")
    assert lines[-1]["migration_id"]


def test_without_redaction_it_would_be_found(
    tmp_path: Path, locked_server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_kept", frozenset())
    monkeypatch.setattr(redaction, "keep_secret", lambda _: None)
    monkeypatch.setattr(redaction, "_BY_FORM", re.compile("(?!)"))
    monkeypatch.setattr(PartitionLoad, "run", break_off)
    told = begin(tmp_path, locked_server)
    assert told.migrate("fault").code == 1
    leaks = told.leaks(KEY)
    assert {"fault", "log.jsonl"} < set(leaks)
    assert any(name.endswith(".db") for name in leaks), leaks


def test_the_search_finds_what_is_compressed(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "packed.db")) as connection, connection:
        connection.execute("CREATE TABLE snapshots (body BLOB)")
        connection.execute("INSERT INTO snapshots VALUES (?)", (zlib.compress(KEY.encode() * 2),))
    column = pa.array([f"{KEY}{number}" for number in range(100)])
    pq.write_table(pa.table({"value": column}), tmp_path / "rows.parquet", compression="zstd")
    (tmp_path / "other.txt").write_text("nothing", encoding="utf-8")
    assert [path.name for path in files_with(KEY.encode(), tmp_path)] == ["packed.db", "rows.parquet"]
