"""Log records: short lines on the terminal, JSON lines in a file, and events of the Dagster run while a step works.

Every part logs with `logging.getLogger(__name__)`; where a record goes, and how it looks, is decided here alone. What
it is about is bound with `structlog.contextvars`: `migration_id`, `run_id`, `partition`, `batch`. The step is one that
Dagster knows.
"""

import contextvars
import copy
import functools
import logging
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TextIO, TypeVar

import structlog

from weaviate_migration.base.errors import ConfigurationError, MigrationError, category_of
from weaviate_migration.base.permissions import as_named
from weaviate_migration.base.redaction import redacted
from weaviate_migration.base.settings import LogFormat
from weaviate_migration.base.storage import storage_error
from weaviate_migration.base.texts import printable, printable_json

PACKAGE_LOGGER = "weaviate_migration"
# What Dagster itself says of a run goes to a logger of its own: it is no child of ours, so a run may listen to ours.
RUN_LOGGER = "weaviate_migration_run"
# Dagster listens here while the code of a step runs. It is named, not asked for: importing Dagster takes seconds.
DAGSTER_LOGGER = "dagster.builtin"
DAGSTER_METADATA = "dagster_meta"

# The members of a JSON line, in their order.
FIRST = ("timestamp", "level", "event", "logger")
ALWAYS = ("migration_id", "run_id")
WHERE_IT_APPLIES = ("step", "partition", "batch", "category", "attempt", "attempts", "exception")
SHORT_ID = 8
# Of a record: the command tells it to the person, in its own words, at its end.
TOLD = "told"
# Of a record that a run has got from us: its listeners have it already.
PASSED_ON = "passed_on"

logger = logging.getLogger(__name__)
_set_up: list[logging.Handler] = []

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Failure(NamedTuple):
    """What a command says of an error."""

    exit_code: int
    text: str


def configure_logging(
    level: str, file: Path | None, log_format: LogFormat = "text", terminal: logging.Handler | None = None
) -> None:
    """Sends log records to the terminal, and as JSON lines to a file. What an earlier call set up is replaced.

    Args:
        level: the least level that is shown and written.
        file: appended to; its folder is made.
        log_format: of the terminal; with `json`, standard error gets the lines that a file would.
        terminal: a handler that shows levels by itself; by default, and with `json`, lines on standard error.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    handlers = [_terminal_handler(log_format, terminal), *([_file_handler(file)] if file is not None else [])]
    _forget_handlers()
    # The first, since it learns from Dagster which step a record belongs to.
    _install(PACKAGE_LOGGER, level, [RunEventHandler(), *handlers])
    _install(RUN_LOGGER, level, handlers)
    for name in (PACKAGE_LOGGER, RUN_LOGGER):
        logging.getLogger(name).propagate = False
    # What the client reports of a batch is in the batch's outcome already, and it would print whole objects.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)


def configure_run_logging(level: str, file: Path | None) -> None:
    """For a process of Dagster's UI or daemon: records become events of runs, and lines of the file.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    if not _set_up:  # Handlers of others do not write to our file.
        _install(PACKAGE_LOGGER, level, [RunEventHandler(), *([_file_handler(file)] if file is not None else [])])


def terminal_is_json() -> bool:
    """Whether standard error has JSON lines, so that nothing else should be there."""
    return any(isinstance(each, JsonTerminal) and each.stream is sys.stderr for each in _set_up)


def in_own_context(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """What the function binds to its records is gone at its end: the caller's own records are about other things."""

    @functools.wraps(function)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return contextvars.copy_context().run(function, *args, **kwargs)

    return called


def logs_are_set_up() -> bool:
    """Whether a command has said where records go: without any handler, Python itself prints those of failures."""
    return bool(_set_up)


def note_failure(error: Exception) -> Failure:
    """Writes down why a command failed, with category and stack trace, and returns what to tell the person."""
    if logs_are_set_up():
        logger.error("%s", error, exc_info=error, extra={"category": category_of(error), TOLD: True})
    told = error if isinstance(error, MigrationError) else storage_error(error)
    if told is not None:
        return Failure(told.exit_code, str(told))
    trace = "".join(traceback.format_exception(error))
    return Failure(MigrationError.exit_code, redacted(f"Internal error:\n{trace}"))


class JsonTerminal(logging.StreamHandler[TextIO]):
    """JSON lines on standard error."""


class LogFile(logging.FileHandler):
    """JSON lines in a file. No command fails for them: where they cannot be written, that is told once."""

    _failing = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name that `logging` calls
        """Called while the error of writing a record is handled; any other is a fault of ours."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._failing:
            self._failing = True  # Before it is told: the file is among those that are told.
            logger.warning(
                "The log file %s cannot be written: %s. What is logged meanwhile may be missing there; nothing else is "
                "affected.",
                *(self.baseFilename, error.strerror),
            )

    def flush(self) -> None:
        """After a line has got through the next failure is told again."""
        super().flush()
        self._failing = False

    def close(self) -> None:
        """What could not be written was told."""
        with suppress(OSError):
            super().close()


class RunEventHandler(logging.Handler):
    """Hands records to the Dagster run whose step logs them, which stores them as events that the UI shows."""

    def emit(self, record: logging.LogRecord) -> None:
        """Outside of a step there is nobody to hand it to."""
        for handler in logging.getLogger(DAGSTER_LOGGER).handlers:
            passed = copy.copy(record)
            passed.msg, passed.args, passed.exc_info = (
                redacted(_as_event(record.getMessage(), _known(record))),
                (),
                None,
            )
            setattr(passed, PASSED_ON, True)
            handler.handle(passed)
            if metadata := getattr(passed, DAGSTER_METADATA, None):
                # It tells the step. And who has set up Dagster to listen to our logger, too, gets no second event.
                setattr(record, DAGSTER_METADATA, metadata)


def _install(name: str, level: str, handlers: list[logging.Handler]) -> None:
    found = logging.getLogger(name)
    found.setLevel(level)
    for handler in handlers:
        found.addHandler(handler)
        _set_up.append(handler)


def _forget_handlers() -> None:
    for handler in _set_up:
        for name in (PACKAGE_LOGGER, RUN_LOGGER):
            logging.getLogger(name).removeHandler(handler)
        handler.close()
    _set_up.clear()


def _terminal_handler(log_format: LogFormat, given: logging.Handler | None) -> logging.Handler:
    if log_format == "json":
        handler: logging.Handler = JsonTerminal(sys.stderr)
        handler.setFormatter(_formatter(_as_json))
        return handler
    handler = given or logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_as_text if given else _as_text_with_level))
    handler.addFilter(lambda record: not hasattr(record, TOLD))
    return handler


def _file_handler(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8", opener=as_named):  # It is made here, if it is new.
            handler = LogFile(file, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The log file {file} cannot be written: {error.strerror}.", "Name another one with --log-file."
        ) from error
    handler.setFormatter(_formatter(_as_json))
    return handler


_Event = MutableMapping[str, Any]
_Render = Callable[[Any, str, _Event], str]


def _formatter(render: _Render) -> logging.Formatter:
    """Secrets are taken out of the whole line at the end, wherever they come from."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            _correlated,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            lambda logger, method, event: redacted(render(logger, method, event)),
        ],
    )


def _correlated(_: Any, __: str, event: _Event) -> _Event:
    """With the time of the record, which is one for all handlers, and with what it is about."""
    record: logging.LogRecord = event["_record"]
    timestamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    event.update(_known(record), timestamp=timestamp)
    return event


def _known(record: logging.LogRecord) -> dict[str, Any]:
    """What a record is about: what it carries itself, what Dagster knows of it, and what is bound."""
    metadata: Mapping[str, Any] = getattr(record, DAGSTER_METADATA, None) or {}
    of_dagster = {"run_id": metadata.get("run_id"), "step": metadata.get("step_key")}
    found = {**structlog.contextvars.get_contextvars(), **{k: v for k, v in of_dagster.items() if v}, **vars(record)}
    applying = {name: found[name] for name in WHERE_IT_APPLIES if found.get(name) is not None}
    return {name: found.get(name) for name in ALWAYS} | applying


_render_exception = structlog.processors.format_exc_info
_render_json = structlog.processors.JSONRenderer(ensure_ascii=False)


def _as_json(_: Any, method: str, event: _Event) -> str:
    """When, how bad, what, about what, and at the end the stack trace; lone surrogates escaped, as JSON does it."""
    rendered = _render_exception(_, method, event)
    ordered = {name: rendered[name] for name in (*FIRST, *ALWAYS, *WHERE_IT_APPLIES) if name in rendered}
    return printable_json(str(_render_json(_, method, ordered)).encode("utf-8", "backslashreplace").decode("utf-8"))


def _as_text_with_level(_: Any, method: str, event: _Event) -> str:
    return f"{event['level'].upper()} {_as_text(_, method, event)}"


def _as_text(_: Any, __: str, event: _Event) -> str:
    """Without a stack trace: which step, what, and in brackets what else it is about; nothing that a terminal obeys."""
    step = f"{event['step']}: " if "step" in event else ""
    ids = [f"migration {event['migration_id']}"] if event["migration_id"] else []
    ids += [f"run {event['run_id'][:SHORT_ID]}"] if event["run_id"] else []  # As long as the UI shows it.
    return printable(f"{step}{event['event']}{_bracketed([*_of_one_batch(event), *ids])}")


def _as_event(message: str, known: Mapping[str, Any]) -> str:
    """The message for the run's events, which know step and run."""
    return f"{message}{_bracketed(_of_one_batch(known))}"


def _of_one_batch(known: Mapping[str, Any]) -> list[str]:
    category = [str(known["category"])] if "category" in known else []
    return category + [f"{name} {known[name]}" for name in ("partition", "batch") if name in known]


def _bracketed(parts: Sequence[str]) -> str:
    return f" [{', '.join(parts)}]" if parts else ""
