"""Log records: where each goes, what it says, and what it never does."""

import contextvars
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, get_contextvars

from weaviate_migration.base import logs, redaction
from weaviate_migration.base.errors import TargetTimeoutError
from weaviate_migration.base.logs import (
    DAGSTER_LOGGER,
    PACKAGE_LOGGER,
    RUN_LOGGER,
    TOLD,
    configure_logging,
    configure_run_logging,
    in_own_context,
    note_failure,
    terminal_is_json,
)

logger = logging.getLogger("weaviate_migration.some_part")
SECRET = "a-key-that-stays-secret"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Of other tests the handlers stay as they are; nothing of these is left."""
    loggers = [logging.getLogger(name) for name in (PACKAGE_LOGGER, RUN_LOGGER)]
    before = [(each, each.level, each.propagate, list(each.handlers)) for each in loggers]
    set_up, logs._set_up[:] = list(logs._set_up), []
    for each in loggers:
        each.handlers.clear()
    clear_contextvars()
    yield
    logs._forget_handlers()
    logs._set_up[:] = set_up
    for each, level, propagate, handlers in before:
        each.level, each.propagate, each.handlers = level, propagate, handlers


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", None)
    with bound_contextvars(migration_id="20261122T093015", run_id="0f3a9c1e-5b7d-4a52", partition="03", batch=7):
        logger.warning("%d objects are sent again", 100, extra={"category": "timeout", "step": "note"})
    assert capsys.readouterr().err == (
        "WARNING note: 100 objects are sent again "
        "[timeout, partition 03, batch 7, migration 20261122T093015, run 0f3a9c1e]\n"
    )


def test_a_line_about_nothing_in_particular(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", None)
    logger.info("waiting")
    logger.debug("too small to be shown")
    assert capsys.readouterr().err == "INFO waiting\n"


@pytest.mark.parametrize("where", ["file", "terminal"])
def test_a_json_line(tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "logs" / "log.jsonl"
    configure_logging("INFO", file, "json")
    with bound_contextvars(migration_id="20261122T093015", run_id="0f3a9c1e", partition="03", batch=7):
        logger.warning("sent again \udc80", extra={"category": "timeout", "attempt": 1, "attempts": 4, "step": "note"})
    said = {"file": file.read_text(encoding="utf-8"), "terminal": capsys.readouterr().err}
    (line,) = lines_of(said[where])
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "sent again \udc80",
        "logger": "weaviate_migration.some_part",
        "migration_id": "20261122T093015",
        "run_id": "0f3a9c1e",
        "step": "note",
        "partition": "03",
        "batch": 7,
        "category": "timeout",
        "attempt": 1,
        "attempts": 4,
    }


def test_every_json_line_has_the_ids(tmp_path: Path) -> None:
    configure_logging("INFO", tmp_path / "log.jsonl")
    logger.info("before anything is begun")
    (line,) = lines_of((tmp_path / "log.jsonl").read_text(encoding="utf-8"))
    assert (line["migration_id"], line["run_id"]) == (None, None)
    assert "partition" not in line


def test_a_failure_is_in_the_file_with_its_trace_and_not_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("INFO", tmp_path / "log.jsonl")
    try:
        raise TargetTimeoutError("reading: too slow, after 4 attempts", "Try again.")
    except TargetTimeoutError as error:
        failure = note_failure(error)
    assert failure == (1, "reading: too slow, after 4 attempts\nTry again.")
    assert capsys.readouterr().err == ""
    (line,) = lines_of((tmp_path / "log.jsonl").read_text(encoding="utf-8"))
    assert (line["level"], line["category"]) == ("error", "timeout")
    assert "after 4 attempts" in line["event"]
    assert line["exception"].startswith("Traceback")


def test_a_trace_is_never_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", None)
    try:
        raise ZeroDivisionError("a fault")
    except ZeroDivisionError:
        logger.exception("it goes on")
    assert capsys.readouterr().err == "ERROR it goes on\n"


def test_a_fault_of_ours_keeps_its_trace() -> None:
    failure = note_failure(ZeroDivisionError("a fault"))
    assert failure.exit_code == 1
    assert failure.text.startswith("Internal error:\nZeroDivisionError: a fault")


def test_what_the_command_tells_itself_is_in_json_on_the_terminal_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", None, "json")
    logger.info("the end", extra={TOLD: True})
    assert [line["event"] for line in lines_of(capsys.readouterr().err)] == ["the end"]


def test_whether_standard_error_is_for_json_only(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging("INFO", None)
    assert not terminal_is_json()
    configure_logging("INFO", None, "json")
    assert terminal_is_json()
    monkeypatch.setattr("sys.stderr", io.StringIO())  # Another one, which nobody has set up.
    assert not terminal_is_json()


def test_secrets_are_in_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(redaction, "_kept", frozenset())
    configure_logging("INFO", tmp_path / "log.jsonl")
    leaky = io.StringIO()
    unfiltered = logging.StreamHandler(leaky)
    logger.addHandler(unfiltered)
    redaction.keep_secret(SECRET)
    try:
        raise ValueError(f"metadata: {SECRET}")
    except ValueError:
        logger.exception("with %s", SECRET, extra={"category": SECRET})
    finally:
        logger.removeHandler(unfiltered)
    assert SECRET in leaky.getvalue()  # Without our formatters it would have been there.
    written = (tmp_path / "log.jsonl").read_text(encoding="utf-8") + capsys.readouterr().err
    assert SECRET not in written
    assert written.count("***") >= 4


def test_a_process_of_the_ui_writes_the_file_until_a_command_sets_up_its_own(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    configure_run_logging("INFO", first)
    configure_run_logging("INFO", tmp_path / "never.jsonl")  # Other definitions in the same process.
    logger.info("from the UI")
    configure_logging("INFO", second)
    logger.info("from a command")
    written = [[line["event"] for line in lines_of(each.read_text(encoding="utf-8"))] for each in (first, second)]
    assert written == [["from the UI"], ["from a command"]]
    assert not (tmp_path / "never.jsonl").exists()


def test_what_a_call_binds_ends_with_it() -> None:
    def work() -> Any:
        bind_contextvars(migration_id="20261122T093015")
        return get_contextvars()["migration_id"]

    assert contextvars.Context().run(in_own_context(work)) == "20261122T093015"
    assert "migration_id" not in get_contextvars()


def test_dagster_listens_to_the_logger_that_is_named_here() -> None:
    assert dg.get_dagster_logger().name == DAGSTER_LOGGER


def test_nothing_is_logged_past_the_redaction() -> None:
    """What a step says through its context would get into Dagster's storage as it is."""
    package = Path(logs.__file__).parents[1]
    assert [path.name for path in package.rglob("*.py") if "context.log." in path.read_text(encoding="utf-8")] == []


def test_records_of_a_step_are_events_of_its_run_once(tmp_path: Path) -> None:
    """Also where Dagster was set up to listen to our logger by itself."""

    @dg.op
    def speaks() -> None:
        with bound_contextvars(partition="03", batch=7):
            logger.info("written with %s", SECRET)

    @dg.job
    def talk() -> None:
        speaks()

    settings = {"python_logs": {"managed_python_loggers": [PACKAGE_LOGGER]}, "telemetry": {"enabled": False}}
    (tmp_path / "dagster.yaml").write_text(json.dumps(settings), encoding="utf-8")
    configure_logging("INFO", tmp_path / "log.jsonl")
    redaction.keep_secret(SECRET)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = talk.execute_in_process(instance=instance)
        said = [each for each in instance.all_logs(run.run_id) if each.dagster_event is None]
    assert [(each.step_key, each.user_message) for each in said] == [
        ("speaks", "written with *** [partition 03, batch 7]")
    ]
    (line,) = lines_of((tmp_path / "log.jsonl").read_text(encoding="utf-8"))
    assert (line["run_id"], line["step"], line["event"]) == (run.run_id, "speaks", "written with ***")
