"""`preflight`: whether a migration could go through, and how long it would take."""

from typing import Any

import click

from weaviate_migration.api.preflight import check_preflight
from weaviate_migration.base.logs import configure_logging
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.checklist_table import show_checklist
from weaviate_migration.cli.show.options import (
    COMMON_OPTIONS,
    EPILOG,
    MIGRATE_OPTIONS,
    SOURCE_OPTIONS,
    WORK_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import plain_console


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *COMMON_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def preflight(as_json: bool, **options: Any) -> int:
    """Look at what `migrate` with the same options needs. That is file, room, server, rights, names, and time."""
    config = create_migration_config(**options)
    configure_logging(config.log_level, config.log_file, config.log_format)
    found = check_preflight(config)
    if as_json:
        print_json(found.to_dict())
    else:
        show_checklist(found, plain_console())
    return found.exit_code
