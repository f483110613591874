"""The command line: one command in each file. It reads options, calls what does the work, and shows the result."""

import ast
import gc
import importlib
import sys
from importlib.resources import files

import click
from click.exceptions import NoArgsIsHelpError

from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.memory import return_large_blocks
from weaviate_migration.base.permissions import narrow_umask
from weaviate_migration.cli.show.encoding import escape_on_standard_streams
from weaviate_migration.cli.show.options import EPILOG

__all__ = ["cli", "main"]

PROGRAM = "weaviate-migration"
INTERRUPTED = 130
COMMANDS = (
    *("init", "audit", "plan", "preflight", "capture", "migrate", "sync", "verify", "checks", "quarantine"),
    *("cutover", "postflight", "rollback", "cleanup", "status", "report", "alerts", "server", "demo"),
)


class CommandFiles(click.Group):
    """Commands that are imported when they are asked for: most of a short command's time is what it imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Their names, in the order of a migration."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, from the file of this name; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{cmd_name}"), cmd_name)
        # What was imported stays: looking through it for garbage again and again costs over a second (measured).
        gc.freeze()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The commands with a line each, as click shows them; click would import every one of them for its line."""
        with formatter.section("Commands"):
            room = formatter.width - 6 - max(map(len, COMMANDS))
            formatter.write_dl([(name, _summary(name, room)) for name in COMMANDS])


def _summary(command: str, room: int) -> str:
    """What a command does, in a line: of the docstring of its function, which is read and not run."""
    tree = ast.parse((files(__name__) / f"{command}.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == command]
    return click.Command(command, help=ast.get_docstring(functions[0])).get_short_help_str(room)


@click.group(cls=CommandFiles, epilog=EPILOG)
@click.version_option(package_name=PROGRAM)
def cli() -> None:
    """Move an application's data from SQLite into Weaviate, and prove the copy."""


def main() -> None:
    """Runs a command; errors that a person can cause are told in a line or two, with the right exit code."""
    escape_on_standard_streams()
    narrow_umask()
    return_large_blocks()
    try:
        code = cli.main(standalone_mode=False)
    except NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        _complain(f"error: {error.format_message()}")
        _complain(_help_of(error))
        code = error.exit_code
    except MigrationError as error:
        code = _reported(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except Exception as error:
        from weaviate_migration.base.storage import storage_error

        if (told := storage_error(error)) is None:
            raise
        code = _reported(told)
    sys.exit(code)


def _reported(error: MigrationError) -> int:
    """Shows an error on the terminal and writes it to the logs; returns the exit code."""
    from weaviate_migration.base.logs import note_failure, terminal_is_json

    if not terminal_is_json():
        _complain(f"error: {error}")
    return note_failure(error).exit_code


def _complain(text: str) -> None:
    """What is wrong, on standard error."""
    from weaviate_migration.cli.show.terminal import tell

    tell(text, stderr=True)


def _help_of(error: click.ClickException) -> str:
    """What to do about wrong usage."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"`{context.command_path if context else PROGRAM} --help` shows what there is."
