"""`migrate`: the whole way, or what is left of it."""

from pathlib import Path
from typing import Any

import click
from rich.logging import RichHandler

from weaviate_migration.api.migrate import SQLiteToWeaviateMigrator
from weaviate_migration.api.outcome import MigrationResult
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.cli.show.live_progress import shown_progress
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
from weaviate_migration.cli.show.summary import show_result
from weaviate_migration.cli.show.terminal import can_redraw, plain_console, standard_error


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *COMMON_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def migrate(as_json: bool, **options: Any) -> int:
    """Migrate the file, or go on with what is unfinished. It makes schema, history, checks and cutover."""
    config = create_migration_config(**options)
    result = run_with_progress(config)
    return report_result(result, as_json, quiet=config.log_format == "json")


def run_with_progress(config: MigrationConfig) -> MigrationResult:
    """Migrates, and shows on standard error how far it is; as JSON lines where those are asked for, and no bars."""
    if config.log_format == "json":
        return SQLiteToWeaviateMigrator(config).migrate()
    try:
        title = f"Migrating {Path(config.sqlite_url).name}"
        with standard_error() as console, shown_progress(config, console, title, _filled(config)) as begin:
            terminal = RichHandler(console=console, show_path=False, show_time=False) if can_redraw(console) else None
            return SQLiteToWeaviateMigrator(config, on_start=begin, terminal=terminal).migrate()
    except KeyboardInterrupt:
        click.echo("The migration stays unfinished; the same command goes on with it.", err=True)
        raise


def _filled(config: MigrationConfig) -> str | None:
    """The prefix of the aliases that are filled; None where none is."""
    return None if config.dry_run else config.prefix


def report_result(result: MigrationResult, as_json: bool, *, quiet: bool = False) -> int:
    """Shows what became of a migration, unless the log says it, and returns the exit code."""
    if as_json:
        print_json(result.to_dict())
    if not quiet:
        show_result(result, plain_console(stderr=True))
    return result.exit_code
