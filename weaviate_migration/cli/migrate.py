"""`migrate`: the whole way, or what is left of it."""

from typing import Any

import click
from rich.logging import RichHandler

from weaviate_migration.cli.consoles import plain_console
from weaviate_migration.cli.options import (
    EPILOG,
    MIGRATE_OPTIONS,
    SERVER_OPTIONS,
    SOURCE_OPTIONS,
    WORK_OPTIONS,
    print_json,
    with_options,
)
from weaviate_migration.cli.progress_bars import shown_progress, standard_error
from weaviate_migration.cli.summary import show_result
from weaviate_migration.migrator import SQLiteToWeaviateMigrator
from weaviate_migration.result import MigrationResult
from weaviate_migration.settings import MigrationConfig, create_migration_config


@click.command(epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *SERVER_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def migrate(as_json: bool, **options: Any) -> int:
    """Migrate the file: schema, history, checks, cutover; or go on with what is unfinished."""
    config = create_migration_config(**options)
    result = run_with_progress(config)
    return report_result(result, as_json, quiet=config.log_format == "json")


def run_with_progress(config: MigrationConfig) -> MigrationResult:
    """Migrates, and shows on standard error how far it is; as JSON lines where those are asked for, and no bars."""
    if config.log_format == "json":
        return SQLiteToWeaviateMigrator(config).migrate()
    try:
        with standard_error() as console:
            terminal = RichHandler(console=console, show_path=False, show_time=False) if console.is_terminal else None
            migrator = SQLiteToWeaviateMigrator(config, terminal=terminal)
            with shown_progress(migrator.work_folder.progress, console):
                return migrator.migrate()
    except KeyboardInterrupt:
        click.echo("The migration stays unfinished; the same command goes on with it.", err=True)
        raise


def report_result(result: MigrationResult, as_json: bool, *, quiet: bool = False) -> int:
    """Shows what became of a migration, unless the log says it, and returns the exit code."""
    if as_json:
        print_json(result.to_dict())
    if not quiet:
        show_result(result, plain_console(stderr=True))
    return result.exit_code
