"""`init`: a mapping drawn up from a file."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from weaviate_migration.api.init import draft_mapping
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.base.texts import printable
from weaviate_migration.cli import PROGRAM
from weaviate_migration.cli.show.document import STANDARD_OUTPUT, write_document
from weaviate_migration.cli.show.options import EPILOG, SOURCE_OPTION, WORK_OPTIONS, print_json, with_options
from weaviate_migration.cli.show.terminal import plain_console, print_text
from weaviate_migration.phases.preflight.inference.draft import MappingDraft


def names(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """The names of an option that may be given more than once, each time with several names between commas."""
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip())


@click.command(epilog=EPILOG)
@with_options(SOURCE_OPTION)
@click.option("--output", metavar="FILE", help="Write the mapping into this file; default: standard output.")
@click.option("--tables", metavar="NAMES", multiple=True, callback=names, help="Only these tables; a,b for two.")
@click.option("--exclude", metavar="NAMES", multiple=True, callback=names, help="Not these tables; a,b for two.")
@click.option("--views", is_flag=True, help="Views, too, where a column tells their rows apart.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@with_options(*WORK_OPTIONS)
def init(
    output: str | None,
    tables: tuple[str, ...],
    exclude: tuple[str, ...],
    views: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Draw up a mapping for any SQLite file: every table, from its schema and all of its values."""
    file = output or STANDARD_OUTPUT
    if as_json and output == STANDARD_OUTPUT:
        raise click.UsageError("Only one of --json and --output - can have standard output.")
    if file != STANDARD_OUTPUT and not force and Path(file).exists():
        raise ConfigurationError(f"{file} is there already.", "--force writes over it; or name another file.")
    config = create_migration_config(**options)
    draft = draft_mapping(config, tables=tables, exclude=exclude, views=views)
    if output or not as_json:
        write_document("--output", file, draft.text)
    if as_json:
        print_json(draft.to_dict())
    else:
        show_draft(draft, config.sqlite_url, file, plain_console(stderr=file == STANDARD_OUTPUT))
    return 0


def show_draft(draft: MappingDraft, sqlite_url: str, file: str, console: Console) -> None:
    """How much is mapped, what is left out and why, what to look at, and the next command."""
    tables, rows = len(draft.collections), sum(each.rows for each in draft.collections)
    columns = sum(each.columns for each in draft.collections)
    print_text(console, f"{tables:,} tables, {columns:,} columns, {rows:,} rows become {tables:,} collections.")
    for line in _left_out(draft):
        print_text(console, printable(line))
    for line in [*_secrets(draft), *draft.remarks]:
        print_text(console, printable(line), "yellow")
    mapping = "mapping.yaml" if file == STANDARD_OUTPUT else file
    command = shlex.join([PROGRAM, "migrate", "--sqlite-url", sqlite_url, "--mapping", mapping])
    print_text(console, printable(f"Next: edit the mapping where you know better, then `{command}`"))


def _left_out(draft: MappingDraft) -> Iterator[str]:
    for each in draft.omitted:
        yield f"left out: table {each.table}: {each.told}"


def _secrets(draft: MappingDraft) -> Iterator[str]:
    for each in draft.secrets:
        yield f"left out: {each.table}.{each.column}: {each.reason}"
    if draft.secrets:
        yield "It is for you to decide: take such a column out of `omit` to migrate it, too."
