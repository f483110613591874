"""What Dagster itself says of a run, as log records of ours: the step by its name, and why it failed."""

import logging
from pathlib import Path

import dagster as dg
from structlog.contextvars import bind_contextvars

from weaviate_migration.base.logs import DAGSTER_METADATA, PASSED_ON, RUN_LOGGER, TOLD, configure_logging
from weaviate_migration.runs.events import step_failure


@dg.logger(
    config_schema={
        "level": dg.Field(str, default_value="INFO", description="The least level that is shown and written."),
        "file": dg.Field(str, default_value="", description="Appended to, as JSON lines; empty: no file."),
        "format": dg.Field(
            dg.Enum("LogFormat", [dg.EnumValue("text"), dg.EnumValue("json")]),
            default_value="text",
            description="Of the lines on standard error.",
        ),
    },
    description="Log records as the command line shows them, and as JSON lines in a file.",
)
def records_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """Hands what a run logs to the command line's handlers; a child process sets up its own."""
    settings = context.logger_config
    logger = logging.getLogger(RUN_LOGGER)
    if not logger.handlers:
        file = Path(settings["file"]) if settings["file"] else None
        configure_logging(settings["level"], file, settings["format"])
    logger.addFilter(_as_ours)
    bind_contextvars(run_id=context.run_id)
    return logger


def _as_ours(record: logging.LogRecord) -> bool:
    """Not what Dagster has from us. Of its own records the message alone, and the reason of a failed step.

    Dagster tells of a failed step, and of each that waited for it; the command says why, once, and what to do.
    """
    metadata = getattr(record, DAGSTER_METADATA, None)
    if hasattr(record, PASSED_ON) or metadata is None:
        return False
    record.msg, record.args = metadata["orig_message"], ()
    if record.levelno >= logging.ERROR:
        setattr(record, TOLD, True)
    event = metadata["dagster_event"]
    if event is not None and event.is_step_failure:
        failure = step_failure(event)
        record.msg = failure.message
        vars(record).update(category=failure.category, exception=failure.trace)
    return True
