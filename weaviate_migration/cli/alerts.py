"""`alerts`: whether the channels work, and what is open."""

from dataclasses import dataclass
from typing import Any

import click

from weaviate_migration.base.errors import ConfigurationError, MigrationError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.options import (
    ALERTS_OPTION,
    EPILOG,
    WORK_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell
from weaviate_migration.monitoring.alerts import IncidentBook
from weaviate_migration.monitoring.alerts.watch import configured_alerts
from weaviate_migration.work_folder.folder import WorkFolder


@click.group(epilog=EPILOG)
def alerts() -> None:
    """Try out who is told of what goes wrong, and see what is open."""


@alerts.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(ALERTS_OPTION, *WORK_OPTIONS)
def test(as_json: bool, **options: Any) -> int:
    """Send a notification to every channel. The exit code is 1 where one did not take it."""
    settings = configured_alerts(create_migration_config("", **options))
    if settings is None:
        raise ConfigurationError("No alerts are configured.", "Name the file with --alerts.")
    text = "weaviate-migration can reach you here. Nothing is wrong."
    tried = [
        _Tried(each.name, each.send("A test of the alerts", text, "success")) for each in settings.named_channels()
    ]
    if as_json:
        print_json({"channels": {each.channel: each.took_it for each in tried}})
    else:
        for each in tried:
            tell(f"{each.channel}: {'sent' if each.took_it else 'not sent: check its URL and whether it is up'}")
    return 0 if all(each.took_it for each in tried) else MigrationError.exit_code


@alerts.command("list", cls=HeadedCommand, epilog=EPILOG)
@with_options(*WORK_OPTIONS)
def list_incidents(as_json: bool, **options: Any) -> int:
    """Show the open incidents of the work folder."""
    found = IncidentBook(WorkFolder.of(create_migration_config("", **options))).open_incidents()
    if as_json:
        print_json({"incidents": [each.model_dump(mode="json", exclude={"over_at"}) for each in found]})
        return 0
    for each in found:
        tell(f"{each.opened_at:%Y-%m-%d %H:%M} UTC  {each.title}\n{each.text}")
    if not found:
        tell("Nothing is open.")
    return 0


@dataclass(frozen=True)
class _Tried:
    """A channel, and whether it took the test."""

    channel: str
    took_it: bool
