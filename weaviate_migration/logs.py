"""Log records: short lines on the terminal, JSON lines in a file."""

import logging
import sys
from pathlib import Path

import structlog

# What Dagster records of a run goes to a logger of its own: it is no child of ours, so a run may listen to ours.
RUN_LOGGER = "weaviate_migration_run"
_LOGGERS = ("weaviate_migration", RUN_LOGGER)


def configure_logging(level: str, file: Path | None, terminal: logging.Handler | None = None) -> None:
    """Sends log records to the terminal, and as JSON lines to a file. What an earlier call set up is replaced.

    Args:
        level: the least level that is shown and written.
        file: appended to; its folder is made.
        terminal: the handler for the terminal; by default plain lines on standard error.
    """
    handlers = [terminal or _terminal_handler()]
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
    # What the client reports of a batch is in the batch's outcome already, and it would print whole objects.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL)


def _terminal_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return handler


def _file_handler(file: Path) -> logging.Handler:
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
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
