"""The command line: one command in each file. It reads options, calls what does the work, and shows the result."""

import gc
import sys

import click
from click.exceptions import NoArgsIsHelpError

from weaviate_migration.cli.audit import audit
from weaviate_migration.cli.capture import capture
from weaviate_migration.cli.checks import checks
from weaviate_migration.cli.cleanup import cleanup
from weaviate_migration.cli.cutover import cutover
from weaviate_migration.cli.demo import demo
from weaviate_migration.cli.migrate import migrate
from weaviate_migration.cli.options import EPILOG
from weaviate_migration.cli.plan import plan
from weaviate_migration.cli.quarantine import quarantine
from weaviate_migration.cli.rollback import rollback
from weaviate_migration.cli.server import server
from weaviate_migration.cli.status import status
from weaviate_migration.cli.sync import sync
from weaviate_migration.cli.verify import verify
from weaviate_migration.errors import MigrationError

__all__ = ["cli", "main"]

PROGRAM = "weaviate-migration"
INTERRUPTED = 130


@click.group(epilog=EPILOG)
@click.version_option(package_name=PROGRAM)
def cli() -> None:
    """Move an application's data from SQLite into Weaviate, and prove the copy."""


for command in (
    *(audit, plan, capture, migrate, sync, verify, checks, quarantine),
    *(cutover, rollback, cleanup, status, server, demo),
):
    cli.add_command(command)


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


def _help_of(error: click.ClickException) -> str:
    """What to do about wrong usage."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"`{context.command_path if context else PROGRAM} --help` shows what there is."
