"""`init`: a mapping drawn up from a file."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from weaviate_migration.api.init import draft_mapping, update_mapping
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.base.texts import counted, printable
from weaviate_migration.cli import PROGRAM
from weaviate_migration.cli.show.document import STANDARD_OUTPUT, change_document, write_document
from weaviate_migration.cli.show.options import (
    EPILOG,
    SOURCE_OPTION,
    WORK_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import plain_console, print_text
from weaviate_migration.phases.preflight.inference.collection_draft import OmittedColumn
from weaviate_migration.phases.preflight.inference.draft import MappingDraft
from weaviate_migration.phases.preflight.inference.update import MappingUpdate


def names(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """The names of an option that may be given more than once, each time with several names between commas."""
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip())


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(SOURCE_OPTION)
@click.option("--output", metavar="FILE", help="Write the mapping into this file; default: standard output.")
@click.option("--tables", metavar="NAMES", multiple=True, callback=names, help="Only these tables; a,b for two.")
@click.option("--exclude", metavar="NAMES", multiple=True, callback=names, help="Not these tables; a,b for two.")
@click.option("--views", is_flag=True, help="Views, too, where a column tells their rows apart.")
@click.option(
    "--join",
    "joins",
    metavar="CHILD:PARENT",
    multiple=True,
    help="Put the columns of each row's parent beside its own: chunks:documents; may be given more than once.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--update", metavar="FILE", help="Add to this mapping file what the SQLite file has and it lacks.")
@with_options(*WORK_OPTIONS)
def init(
    output: str | None,
    tables: tuple[str, ...],
    exclude: tuple[str, ...],
    views: bool,
    joins: tuple[str, ...],
    force: bool,
    update: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Draw up a mapping for any SQLite file. It has every table, from its schema and all of its values."""
    if as_json and output == STANDARD_OUTPUT:
        raise click.UsageError("Only one of --json and --output - can have standard output.")
    if update is not None and joins:
        raise click.UsageError("--join draws up a new mapping: with --update, write `select` into yours.")
    if output not in (None, STANDARD_OUTPUT) and not force and Path(str(output)).exists():
        raise ConfigurationError(f"{output} is there already.", "--force writes over it; or name another file.")
    config = create_migration_config(**options)
    chosen: dict[str, Any] = {"tables": tables, "exclude": exclude, "views": views}
    made: MappingDraft | MappingUpdate
    if update is None:
        file, made = output or STANDARD_OUTPUT, draft_mapping(config, joins=joins, **chosen)
    else:
        file, made = output or update, update_mapping(config, Path(update), **chosen)
    if update is not None and output is None:
        change_document("--output", file, made.text)
    elif output or not as_json:
        write_document("--output", file, made.text)
    if as_json:
        print_json(made.to_dict())
    else:
        show(made, config.sqlite_url, file, plain_console(stderr=file == STANDARD_OUTPUT))
    return 0


def show(made: MappingDraft | MappingUpdate, sqlite_url: str, file: str, console: Console) -> None:
    """How much is mapped, what is left out and why, what to look at, and the next command."""
    for line in _drawn_up(made) if isinstance(made, MappingDraft) else _added(made):
        print_text(console, printable(line))
    for line in [*_secrets(made.secrets), *made.remarks]:
        print_text(console, printable(line), "yellow")
    mapping = "mapping.yaml" if file == STANDARD_OUTPUT else file
    edit = f"save the mapping with `--output {mapping}`, edit it" if file == STANDARD_OUTPUT else "edit the mapping"
    command = shlex.join([PROGRAM, "migrate", "--sqlite-url", sqlite_url, "--mapping", mapping])
    print_text(console, printable(f"Next: {edit} where you know better, then `{command}`"))


def _drawn_up(draft: MappingDraft) -> Iterator[str]:
    tables, rows = len(draft.collections), sum(each.rows for each in draft.collections)
    columns = sum(each.columns for each in draft.collections)
    yield (
        f"{counted(tables, 'table')}, {counted(columns, 'column')}, {counted(rows, 'row')} become "
        f"{counted(tables, 'collection')}."
    )
    for each in draft.omitted:
        yield f"left out: table {each.table}: {each.told}"


def _added(update: MappingUpdate) -> Iterator[str]:
    for line in update.added:
        yield f"added: {line}"
    if not update.added:
        yield "Nothing is to be added: the mapping knows every table and column of the file."


def _secrets(secrets: Sequence[OmittedColumn]) -> Iterator[str]:
    for each in secrets:
        yield f"left out: {each.table}.{each.column}: {each.reason}"
    if secrets:
        yield "It is for you to decide: take such a column out of `omit` to migrate it, too."
