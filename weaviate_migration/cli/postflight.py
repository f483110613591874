"""`postflight`: whether the migration serves its readers."""

from typing import Any

import click

from weaviate_migration.api.postflight import check_postflight
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.checklist_table import show_checklist
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    QUERIES_OPTION,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import plain_console


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(QUERIES_OPTION, *MIGRATION_OPTIONS)
def postflight(as_json: bool, **options: Any) -> int:
    """Look at what became of the migration. That is aliases, counts, search, checks, lag, quarantine, certificate."""
    found = check_postflight(config_with_optional_source(**options))
    if as_json:
        print_json(found.to_dict())
    else:
        show_checklist(found, plain_console())
    return found.exit_code
