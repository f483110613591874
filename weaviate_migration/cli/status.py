"""`status`: how far it is, and what to do next."""

from contextlib import suppress
from typing import Any

import click

from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    HeadedCommand,
    Seconds,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.status_lines import print_status
from weaviate_migration.cli.show.terminal import plain_console
from weaviate_migration.monitoring.status import status_before_first


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
@click.option(
    "--watch", is_flag=True, help="Show it again and again, with a running migration's progress, until Ctrl-C."
)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=Seconds(min=0.1),
    default=2.0,
    show_default=True,
    help="With --watch: how long from one look to the next.",
)
def status(as_json: bool, watch: bool, interval: float, **options: Any) -> int:
    """Show how far it is, and what the next command is. It has phase, positions, aliases, checks and disk use."""
    if watch and as_json:
        raise click.UsageError("--watch and --json exclude each other: JSON is one document.")
    config, console = config_with_optional_source(**options), plain_console()
    if watch:
        # Imported only now: it needs Dagster, which a status that is shown once may not need.
        from weaviate_migration.cli.show.watch import watch_status

        with suppress(KeyboardInterrupt):
            watch_status(config, interval, console)
        return 0
    found = status_before_first(config)
    if found is None:
        # Imported only now: it needs Dagster and the client, which take a second.
        from weaviate_migration.api.status import read_status

        found = read_status(config)
    if as_json:
        print_json(found.to_dict())
    else:
        print_status(found, console)
    return 0
