"""Log records: short lines on the terminal, JSON lines in a file."""

import logging
import sys
from pathlib import Path

import structlog

from weaviate_migration.errors import ConfigurationError

# What Dagster records of a run goes to a logger of its own: it is no child of ours, so a run may listen to ours.
RUN_LOGGER = "weaviate_migration_run"
_LOGGERS = ("weaviate_migration", RUN_LOGGER)
_DAGSTER_METADATA = "dagster_meta"


def configure_logging(level: str, file: Path | None, terminal: logging.Handler | None = None) -> None:
    """Sends log records to the terminal, and as JSON lines to a file. What an earlier call set up is replaced.

    Args:
        level: the least level that is shown and written.
        file: appended to; its folder is made.
        terminal: the handler for the terminal; by default plain lines on standard error.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    terminal = terminal or _terminal_handler()
    terminal.addFilter(_is_no_error_of_a_run)
    handlers = [terminal]
    if file is not None:
        handlers.append(_file_handler(file))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for old in list(logger.handlers):
            logger.removeHandler(old)
            old.close()
        logger.setLevel(level)
        logger.propagate = False
        for handler in handlers:
            logger.addHandler(handler)
    logging.getLogger(RUN_LOGGER).addFilter(_step_and_message)
    # What the client reports of a batch is in the batch's outcome already, and it would print whole objects.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)


def _step_and_message(record: logging.LogRecord) -> bool:
    """Dagster puts job, run and step before each message; a person needs the step, the file has the run as a field."""
    metadata = getattr(record, _DAGSTER_METADATA, None)
    if metadata:
        step, message = metadata["step_key"], metadata["orig_message"]
        vars(record).update(run_id=metadata["run_id"], step=step)
        record.msg = f"{step}: {message}" if step else message
        record.args = ()
    return True


def _is_no_error_of_a_run(record: logging.LogRecord) -> bool:
    """Dagster tells of a failed step, and of each that waited for it; the result says why, once, and what to do."""
    return record.levelno < logging.ERROR or not hasattr(record, _DAGSTER_METADATA)


def _terminal_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return handler


def _file_handler(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The log file {file} cannot be written: {error.strerror}.", "Name another one with --log-file."
        ) from error
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(allow=["run_id", "step"]),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    return handler
