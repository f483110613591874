"""`capture`: the log of changes in the SQLite file."""

from typing import Any

import click

from weaviate_migration.api.capture import (
    CaptureStatus,
    change_capture_status,
    install_change_capture,
    remove_change_capture,
)
from weaviate_migration.base.errors import CaptureError
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell


@click.group(epilog=EPILOG)
def capture() -> None:
    """Log what the application changes, by triggers in the file."""


@capture.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
def install(as_json: bool, **options: Any) -> int:
    """Begin to log changes. What is there and intact stays, what is damaged is made again."""
    return _reported(install_change_capture(config_with_optional_source(**options)), as_json)


@capture.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
def status(as_json: bool, **options: Any) -> int:
    """Show which tables are captured, and what is damaged. It says how long the log is; damage is exit code 1."""
    return _reported(change_capture_status(config_with_optional_source(**options)), as_json)


@capture.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
@click.option("--id", "capture_id", metavar="ID", help="The capture of another work folder, such as one that is gone.")
def remove(as_json: bool, capture_id: str | None, **options: Any) -> int:
    """Remove log and triggers; the schema is then what it was before."""
    removed = remove_change_capture(config_with_optional_source(**options), capture_id)
    if as_json:
        print_json({"removed": removed})
    else:
        click.echo(f"Removed {len(removed)} triggers and tables.")
    return 0


def _reported(found: CaptureStatus, as_json: bool) -> int:
    """Shows the status, and returns the exit code."""
    if as_json:
        print_json(found.to_dict())
    else:
        for line in _lines(found):
            tell(line)
    return CaptureError.exit_code if found.damage else 0


def _lines(found: CaptureStatus) -> list[str]:
    captured = f"Capture {found.capture_id}, epoch {found.epoch}: {', '.join(found.tables) or 'no table'}"
    log = f"Entries in the log: {found.entries:,}, the newest at position {found.last_position:,}"
    none = f"{found.source} has no capture of this work folder: `weaviate-migration capture install` makes it."
    lines = [captured, log] if found.capture_id else [none]
    lines += [f"warning: {sentence}" for sentence in (*found.not_followed, *found.slow)]
    lines += [f"damaged: {sentence}" for sentence in found.damage]
    if found.damage:
        lines.append("Changes may have been missed: `weaviate-migration capture install` begins again from here.")
    return [*lines, *(f"The file has the capture {other} of another work folder, too." for other in found.others)]
