"""The command line: one command for each phase. It reads options, calls what does the work, and shows the result."""

import functools
import gc
import json
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError
from rich.console import Console
from rich.logging import RichHandler

from weaviate_migration.audit import audit_source, plan_dict
from weaviate_migration.errors import ConfigurationError, MigrationError
from weaviate_migration.mapping import read_mapping
from weaviate_migration.migrator import SQLiteToWeaviateMigrator, plan_source, roll_back_migration
from weaviate_migration.result import MigrationResult
from weaviate_migration.settings import MigrationConfig, create_migration_config
from weaviate_migration.target.connect import EmbeddedTarget, open_weaviate, parse_weaviate_url
from weaviate_migration.target.server import embedded_server
from weaviate_migration.terminal import (
    show_audit,
    show_plan,
    show_result,
    show_searches,
    shown_progress,
    standard_error,
)
from weaviate_migration.tour import demo_searches, make_demo_file

PROGRAM = "weaviate-migration"
INTERRUPTED = 130
EPILOG = "Each option can come from the environment too: --sqlite-url is WEAVIATE_MIGRATION_SQLITE_URL, and so on."

Command = Callable[..., Any]


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Gives a command these options, in this order."""
    return lambda command: functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


SOURCE_OPTIONS = (
    click.option("--sqlite-url", metavar="URL", help="A path, or a URL such as sqlite:////data/app.db."),
    click.option(
        "--mapping", type=click.Path(path_type=Path), help="What becomes what; default: the mapping that is shipped."
    ),
)
SERVER_OPTIONS = (
    click.option("--weaviate-url", metavar="URL", help="embedded (default), embedded:DIR, or http(s)://host[:port]."),
    click.option("--grpc-port", type=int, help="Default: 50051, for https 443."),
    click.option("--api-key", "weaviate_api_key", help="For a server that wants one; better in the environment."),
)
WORK_OPTIONS = (
    click.option("--work-dir", type=click.Path(path_type=Path), help="Default: .weaviate_migration."),
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, and nothing else."),
)
MIGRATE_OPTIONS = (
    click.option("--prefix", help="Stands before the names of collections and aliases."),
    click.option("--batch-size", type=int, help="Objects in a batch at most; default 100."),
    click.option("--max-retries", type=int, help="How often an object is sent again; default 3."),
    click.option("--retry-delay", type=float, help="Seconds before it is sent again, then doubled; default 1."),
    click.option("--validation-sample", "validation_sample_size", type=int, help="Rows to compare; default 1000."),
    click.option(
        "--parallel", "enable_parallel_processing", is_flag=True, default=None, help="Load collections side by side."
    ),
    click.option("--workers", "worker_count", type=int, help="Batches under way at once; default 4."),
    click.option("--memory-limit-mb", type=int, help="What sorting and batches are sized by; default 1024."),
    click.option("--dry-run", is_flag=True, default=None, help="Do everything but write to Weaviate."),
    click.option(
        "--backup/--no-backup",
        "backup_before_migration",
        default=None,
        help="Keep the snapshot as a backup (default), or remove it at the end.",
    ),
    click.option(
        "--rollback/--no-rollback",
        "rollback_on_failure",
        default=None,
        help="When it fails, remove the collections that it made (default), or keep them.",
    ),
    click.option(
        "--cutover/--no-cutover", default=None, help="Point the aliases at the new collections at the end (default)."
    ),
    click.option(
        "--allow-pause",
        is_flag=True,
        default=None,
        help="Let the application's writers wait for the snapshot over 2 s.",
    ),
    click.option("--extracts", metavar="PATH", help="Any fsspec path; default: in the work folder."),
    click.option(
        "--log-level",
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
        help="The least level that is shown and written; default INFO.",
    ),
    click.option("--log-file", type=click.Path(path_type=Path), help="Log records as JSON lines."),
)


@click.group(epilog=EPILOG)
@click.version_option(package_name=PROGRAM)
def cli() -> None:
    """Move an application's data from SQLite into Weaviate, and prove the copy."""


@cli.command(epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *SERVER_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def migrate(as_json: bool, **options: Any) -> int:
    """Migrate the file: schema, history, checks, cutover; or go on with what is unfinished."""
    result = _migrate(create_migration_config(**options))
    return _report(result, as_json)


@cli.command(epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *WORK_OPTIONS)
def audit(as_json: bool, **options: Any) -> int:
    """Show what the file holds, which tables and columns go where, and what is left out."""
    config = create_migration_config(**options)
    found = audit_source(config, read_mapping(config.mapping))
    if as_json:
        _print_json(found.to_dict())
    else:
        show_audit(found, Console())
    return 0


@cli.command(epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *WORK_OPTIONS)
def plan(as_json: bool, **options: Any) -> int:
    """Show the mapping as it fits this file: every column, and the property it becomes."""
    config = create_migration_config(**options)
    found = plan_source(config, read_mapping(config.mapping))
    if as_json:
        _print_json(plan_dict(found))
    else:
        show_plan(found, Console())
    return 0


@cli.command(epilog=EPILOG)
@with_options(*SERVER_OPTIONS, *WORK_OPTIONS)
@click.option("--discard", is_flag=True, help="Also remove the collections that this migration made.")
def rollback(as_json: bool, discard: bool, **options: Any) -> int:
    """Point the aliases back to where they were; with --discard, remove the migration's collections."""
    outcome = roll_back_migration(create_migration_config("", **options), discard)
    if as_json:
        _print_json(outcome.to_dict())
    else:
        click.echo(outcome.to_text())
    return 0


@cli.command(epilog=EPILOG)
@with_options(*WORK_OPTIONS)
@click.option("--weaviate-url", metavar="URL", help="embedded (default) or embedded:DIR.")
def server(as_json: bool, **options: Any) -> int:
    """Start the embedded Weaviate server, print its addresses, and keep it until Ctrl-C."""
    config = create_migration_config("", **options)
    with suppress(KeyboardInterrupt), embedded_server(_server_data(config)) as address:
        if as_json:
            _print_json({"http": f"http://{address.host}:{address.http_port}", "grpc_port": address.grpc_port})
        else:
            click.echo(f"--weaviate-url http://{address.host}:{address.http_port} --grpc-port {address.grpc_port}")
        sys.stdout.flush()
        threading.Event().wait()
    return 0


@cli.command(epilog=EPILOG)
@with_options(*SERVER_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def demo(as_json: bool, **options: Any) -> int:
    """Make a demo file from Python's own documentation, migrate it, and search what came out."""
    config = create_migration_config("demo", **options)
    config = config.model_copy(update={"sqlite_url": str(make_demo_file(config.work_dir))})
    with ExitStack() as stack:
        target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
        client = stack.enter_context(open_weaviate(target, config.work_dir.absolute(), config.weaviate_api_key))
        result = _migrate(config)
        code = _report(result, as_json)
        if result.success and not as_json and not config.dry_run and config.cutover:
            show_searches(demo_searches(client, config.prefix), config, Console(stderr=True))
    return code


def main() -> None:
    """Runs a command; errors that a person can cause are told in a line or two, with the right exit code."""
    # What was imported stays: looking through it for garbage again and again takes over a second of a run (measured).
    gc.freeze()
    try:
        code = cli.main(standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        click.echo(_help_of(error), err=True)
        code = error.exit_code
    except MigrationError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    sys.exit(code)


def _migrate(config: MigrationConfig) -> MigrationResult:
    try:
        with standard_error() as console:
            terminal = RichHandler(console=console, show_path=False, show_time=False) if console.is_terminal else None
            migrator = SQLiteToWeaviateMigrator(config, terminal=terminal)
            with shown_progress(migrator.work_folder.progress, console):
                return migrator.migrate()
    except KeyboardInterrupt:
        click.echo("The migration stays unfinished; the same command goes on with it.", err=True)
        raise


def _report(result: MigrationResult, as_json: bool) -> int:
    if as_json:
        _print_json(result.to_dict())
    show_result(result, Console(stderr=True))
    return result.exit_code


def _help_of(error: click.ClickException) -> str:
    """What to do about wrong usage."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"`{context.command_path if context else PROGRAM} --help` shows what there is."


def _server_data(config: MigrationConfig) -> Path:
    """The folder of the embedded server that these settings name."""
    target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
    if not isinstance(target, EmbeddedTarget):
        raise ConfigurationError(f"{config.weaviate_url} is no embedded server.", "Use embedded, or embedded:DIR.")
    return target.data_dir or config.work_dir.absolute() / "weaviate"


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
