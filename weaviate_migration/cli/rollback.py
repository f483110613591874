"""`rollback`: the aliases back to where they were."""

from typing import Any

import click

from weaviate_migration.api.rollback import roll_back_migration
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
@click.option("--discard", is_flag=True, help="Also remove the collections that this migration made.")
@click.option("--migration", metavar="ID", help="Go back from this migration; default: the newest.")
def rollback(as_json: bool, discard: bool, migration: str | None, **options: Any) -> int:
    """Point the aliases back to where they were. With --discard, the migration's collections are removed."""
    outcome = roll_back_migration(config_with_optional_source(**options), discard, migration)
    if as_json:
        print_json(outcome.to_dict())
    else:
        tell(outcome.to_text())
    return 0
