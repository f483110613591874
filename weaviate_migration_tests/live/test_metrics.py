"""Metrics of a real migration: on disk, served, in a file, pushed, in the result and in Dagster; one for all tests."""

import base64
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

import weaviate_migration
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.monitoring.metrics.catalogue import PREFIX, SPECS
from weaviate_migration.monitoring.metrics.exposition import exposition
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.timeline import LagMoment, LoadMoment, read_history
from weaviate_migration_tests.live.command_line import Ended, at, run_here
from weaviate_migration_tests.live.free_ports import free_port
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping, note_file

ROWS = 64
PROJECT = Path(weaviate_migration.__file__).parents[1]
# A key of a table without a primary key may be NULL: then its row is refused.
TABLE = "CREATE TABLE notes (id VARCHAR, body TEXT NOT NULL, size INTEGER, created_at DATETIME)"
LABELS = {each.full_name: each.labels for each in SPECS}
Samples = dict[str, dict[tuple[str, ...], float]]


def families_of(text: str) -> dict[str, Metric]:
    """By the name that is in the docs; what is no exposition ends the test."""
    found = list(text_string_to_metric_families(text))
    return {f"{each.name}_total" if each.type == "counter" else each.name: each for each in found}


def samples_of(text: str) -> Samples:
    """For each name, without the prefix, the values by the values of the labels, in the order of the docs."""
    found: Samples = defaultdict(dict)
    for name, metric in families_of(text).items():
        for each in metric.samples:
            labels = tuple(each.labels[label] for label in (*LABELS[name], "le") if label in each.labels)
            found[each.name.removeprefix(PREFIX)][labels] = each.value
    return found


@contextmanager
def push_gateway() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Takes what is pushed: its address, with user and password, and paths, who pushed, and bodies."""
    pushed: list[tuple[str, str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            user = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            pushed.append((self.path, user, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://somebody:pass%20word@127.0.0.1:{server.server_port}", pushed
        server.shutdown()
        thread.join()


@contextmanager
def scraping(port: int) -> Iterator[list[str]]:
    """Asks again and again, as long as the context lives."""
    stopped, scraped = threading.Event(), list[str]()

    def scrape() -> None:
        while not stopped.wait(0.2):
            try:
                with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                    scraped.append(answer.read().decode())
            except HTTPError as error:
                scraped.append(f"status {error.code}")
            except OSError:  # Not yet, or not any more.
                pass

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield scraped
    finally:
        stopped.set()
        thread.join()


@dataclass(frozen=True)
class Measured:
    """A migration with one refused row, and what it said of itself in all ways."""

    notes: NoteMigration
    ended: Ended
    scraped: list[str]
    file: Path
    pushed: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def written(self) -> str:
        return self.file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Measured:
    notes = NoteMigration(tmp_path_factory.mktemp("measured"), server)
    note_file(notes.source, ROWS, TABLE)
    add_notes(notes.source, [(None, "without a key", 1, None)])
    make_mapping(notes.mapping, more="key: [id]")
    port, file = free_port(), notes.folder / "metrics.prom"
    with push_gateway() as (url, pushed), scraping(port) as scraped:
        ended = notes.migrate(
            *("--metrics-port", port, "--metrics-file", file, "--metrics-push-url", url, "--prefix", "Measured"),
            *("--live", "--json", "--no-cutover"),
        )
    return Measured(notes, ended, scraped, file, pushed)


def test_all_rows_are_accounted_for(measured: Measured) -> None:
    assert measured.ended.code == 3, measured.ended.stderr
    found = samples_of(measured.written)
    assert sum(found["rows_read_total"].values()) == ROWS + 1
    assert sum(found["rows_converted_total"].values()) == sum(found["rows_written_total"].values()) == ROWS
    assert {labels[0] for labels in found["rows_written_total"]} == {"MeasuredNote"}
    assert len(found["rows_written_total"]) == 16
    assert found["rows_refused_total"] == {("MeasuredNote", "00", "conversion"): 1}
    assert found["server_objects"] == {("MeasuredNote",): ROWS}
    assert sum(found["sent_bytes_total"].values()) > ROWS * len("note 0")
    assert found["progress_rows_handled"][("MeasuredNote", "load")] == ROWS + 1


def test_batches_are_in_a_histogram(measured: Measured) -> None:
    found = samples_of(measured.written)
    assert found["batch_duration_seconds_count"] == {("MeasuredNote",): 16}
    assert found["batch_duration_seconds_bucket"][("MeasuredNote", "+Inf")] == 16
    assert found["batch_duration_seconds_sum"][("MeasuredNote",)] > 0


def test_what_is_exposed_is_what_the_docs_list(measured: Measured) -> None:
    documented = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.+) \|$", (PROJECT / "docs/metrics.md").read_text(), re.MULTILINE
    )
    assert documented == [(each.full_name, each.kind, ", ".join(each.labels), each.meaning) for each in SPECS]
    found = families_of(measured.written)
    assert [(name, each.type) for name, each in sorted(found.items())] == sorted(row[:2] for row in documented)
    labels = {name: set(each.samples[0].labels) - {"le"} for name, each in found.items() if each.samples}
    # Nothing of theirs is sent again, and no model makes vectors of them: `live/test_made_vectors.py` has such.
    unseen = {PREFIX + "objects_retried_total", *(name for name in found if "vector" in LABELS[name])}
    assert labels == {name: set(LABELS[name]) for name in found if name not in unseen}


def test_names_follow_the_conventions(measured: Measured) -> None:
    for name, metric in families_of(measured.written).items():
        assert re.fullmatch(r"weaviate_migration_[a-z_]+", name)
        assert name.endswith("_total") == (metric.type == "counter")
        assert not re.search(r"_(ms|milliseconds|kb|mb|minutes|percent)(_|$)", name)


def test_they_are_served_while_it_runs(measured: Measured) -> None:
    assert measured.scraped
    for text in measured.scraped:
        found = samples_of(text)
        assert found["server_up"] == {(): 1}
        assert not any(found["scrape_failed"].values()), found["scrape_failed"]
        assert found["process_resident_memory_bytes"][("command",)] > 10_000_000
    cpu = [samples_of(text)["process_cpu_seconds_total"][("command",)] for text in measured.scraped]
    assert cpu == sorted(cpu)


def test_they_are_pushed_at_the_end(measured: Measured) -> None:
    path, user, body = measured.pushed[-1]
    assert user == "somebody:pass word"
    assert path == f"/metrics/job/weaviate_migration/instance/{socket.gethostname()}"
    assert samples_of(body)["rows_written_total"] == samples_of(measured.written)["rows_written_total"]


def test_checks_and_lag_are_among_them(measured: Measured) -> None:
    found = samples_of(measured.written)
    assert found["check_evaluations"][("MeasuredNote", "count", "passed")] == 15
    assert found["check_evaluations"][("MeasuredNote", "count", "failed")] == 1
    (migration,) = found["sync_lag_changes"]
    assert found["info"] == {(*migration, "unfinished"): 1}
    assert (found["sync_lag_changes"][migration], found["sync_lag_seconds"][migration]) == (0, 0)


def test_the_result_has_the_same_figures(measured: Measured) -> None:
    metrics = measured.ended.json["metrics"]
    note = metrics["collections"]["MeasuredNote"]
    assert (note["total"]["rows_read"], note["total"]["rows_written"], note["server_objects"]) == (ROWS + 1, ROWS, ROWS)
    assert note["total"]["rows_refused"] == {"conversion": 1}
    assert note["checks"]["count"] == {"failed": 1, "passed": 15}
    written = {key: each["rows_written"] for key, each in note["partitions"].items()}
    found = samples_of(measured.written)["rows_written_total"]
    assert written == {key: value for (_, key), value in found.items()}
    assert metrics["cpu_seconds"] > 0.1
    assert metrics["work_folder_bytes"]["extracts"] > 1_000
    assert (metrics["lag_changes"], metrics["lag_seconds"]) == (0, 0)


def test_dagster_has_them_as_numbers(measured: Measured) -> None:
    import dagster as dg

    with dagster_instance(measured.notes.work_dir) as instance:
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("note"))
        made = instance.fetch_materializations(wanted, limit=100).records
    metadata = {each.partition_key: _metadata(each) for each in made}
    assert len(metadata) == 16
    assert sum(each["converted"] for each in metadata.values()) == ROWS
    assert metadata["00"]["refused_in_conversion"] == 1
    assert all(each["sent_bytes"] > 0 and each["batch_seconds_mean"] > 0 for each in metadata.values())


def _metadata(record: Any) -> dict[str, Any]:
    materialization = record.asset_materialization
    assert materialization is not None
    return {name: value.value for name, value in materialization.metadata.items()}


def test_the_history_has_the_load(measured: Measured) -> None:
    moments = read_history(StateStore.of(measured.notes.work_dir), measured.ended.json["migration_id"])
    loads = [each for each in moments if isinstance(each, LoadMoment)]
    assert (loads[-1].collection, loads[-1].handled, loads[-1].refused) == ("MeasuredNote", ROWS + 1, 1)
    assert [each.handled for each in loads] == sorted(each.handled for each in loads)


def test_other_commands_expose_them_too(measured: Measured) -> None:
    """The lag, while a sync follows: it goes up with a change, is applied, and both are in the history."""
    notes, port = measured.notes, free_port()
    add_notes(notes.source, [("a new note", "written meanwhile", 1, None)])
    (lag,) = samples_of(_exposed("cutover", notes, "--timeout", 0))["sync_lag_changes"].values()
    assert lag == 1
    found = samples_of(_exposed("sync", notes, "--metrics-port", port))
    assert list(found["sync_lag_changes"].values()) == [0]
    assert found["server_objects"] == {("MeasuredNote",): ROWS + 1}
    moments = read_history(StateStore.of(notes.work_dir), measured.ended.json["migration_id"])
    lags = [each.changes for each in moments if isinstance(each, LagMoment)]
    assert lags[-2:] == [1, 0]


def test_a_gateway_that_is_away_fails_nothing(measured: Measured) -> None:
    notes = measured.notes
    options = ["--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server)]
    ended = run_here("sync", *options, "--metrics-push-url", f"http://user:secret@127.0.0.1:{free_port()}")
    assert ended.code == 0, ended.stderr
    assert "metrics cannot be pushed to http://127.0.0.1:" in ended.stderr
    assert "secret" not in ended.stderr


def _exposed(command: str, notes: NoteMigration, *more: object) -> str:
    """What a command has written at its end."""
    file = notes.folder / f"{command}.prom"
    options = ["--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server), "--metrics-file", file]
    ended = run_here(command, *options, *more)
    assert ended.code in (0, 3), ended.stderr
    return file.read_text(encoding="utf-8")


def test_a_port_that_is_taken_is_said_before_anything_is_touched(notes: NoteMigration) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ended = notes.migrate("--metrics-port", port)
    assert ended.code == 2
    assert f"Metrics cannot be served at port {port} of 127.0.0.1: Address already in use." in ended.stderr
    assert "--metrics-port" in ended.stderr
    assert not list(notes.work_dir.rglob("*"))


@pytest.mark.parametrize(("address", "reached"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_they_are_served_to_others_only_where_that_is_asked_for(tmp_path: Path, address: str, reached: bool) -> None:
    port = free_port()
    config = create_migration_config("", work_dir=tmp_path, metrics_port=port, metrics_address=address)
    with exposition(config), closing(socket.socket()) as other:
        # All of 127/8 is this machine, and each is another address of it.
        assert (other.connect_ex(("127.0.0.2", port)) == 0) == reached
        assert samples_of(urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())


def test_a_file_that_cannot_be_written(notes: NoteMigration) -> None:
    ended = notes.migrate("--metrics-file", notes.folder / "nowhere" / "metrics.prom")
    assert ended.code == 2
    assert "cannot be written: No such file or directory." in ended.stderr
    assert not list(notes.work_dir.rglob("*"))


def test_a_gateway_without_a_scheme_is_a_mistake(notes: NoteMigration) -> None:
    ended = notes.migrate("--metrics-push-url", "gateway:secret@9091")
    assert ended.code == 2
    assert "--metrics-push-url: has to begin with http:// or https://" in ended.stderr
    assert "secret" not in ended.stderr
