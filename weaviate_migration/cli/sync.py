"""`sync`: the changes of a source in use, applied once, or on and on."""

import signal
import threading
from typing import Any

import click

from weaviate_migration.api.sync import SyncResult, follow_changes, sync_changes
from weaviate_migration.base.errors import DifferencesError
from weaviate_migration.base.logs import configure_logging
from weaviate_migration.base.settings import SYNC_SECONDS, config_with_optional_source
from weaviate_migration.cli.show.options import (
    ALERTS_OPTION,
    COMMON_OPTIONS,
    EPILOG,
    KEEP_OPTIONS,
    LOG_OPTIONS,
    METRICS_OPTIONS,
    SOURCE_OPTIONS,
    WORK_OPTIONS,
    HeadedCommand,
    Seconds,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell
from weaviate_migration.work_folder.folder import lacking_text


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(
    *(*SOURCE_OPTIONS, *COMMON_OPTIONS, *KEEP_OPTIONS),
    *(*LOG_OPTIONS, ALERTS_OPTION, *METRICS_OPTIONS, *WORK_OPTIONS),
)
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C or SIGTERM, applying changes as they are committed.")
@click.option(
    "--wait",
    metavar="SECONDS",
    type=Seconds(min=0, max=86_400),
    default=SYNC_SECONDS,
    show_default=True,
    help="Without --follow: give up when another sync has not ended by then.",
)
def sync(as_json: bool, follow: bool, wait: float, **options: Any) -> int:
    """Apply what the application has changed since the last sync. The first one begins at the snapshot."""
    config = config_with_optional_source(**options)
    configure_logging(config.log_level, config.log_file, config.log_format)
    if follow:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        result = follow_changes(config, stop)
    else:
        result = sync_changes(config, wait)
    if as_json:
        print_json(result.to_dict())
    else:
        tell(_summary(result))
    return 0 if result.complete else DifferencesError.exit_code


def _summary(result: SyncResult) -> str:
    """What was done, and what is left to do, a line each."""
    lines = [
        f"Migration {each.migration_id}: {each.changes:,} changes applied ({each.written:,} objects written, "
        f"{each.removed:,} removed, {each.refused:,} refused), position {each.position}; "
        f"{each.lag_changes:,} changes to apply."
        for each in result.migrations
    ]
    if any(each.refused for each in result.migrations):
        lines.append("Refused rows are in the quarantine: `weaviate-migration quarantine list`.")
    for each in result.migrations:
        if each.lacking_vectors:
            lines.append(
                f"Migration {each.migration_id}: {lacking_text(each.lacking_vectors)}, since the model was away; the "
                "next sync makes them once it answers."
            )
    if any(each.needs_comparison for each in result.migrations):
        lines.append("Changes may have been missed: `weaviate-migration verify --repair` compares everything.")
    return "\n".join(lines)
