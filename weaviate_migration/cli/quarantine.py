"""`quarantine`: the rows that are not in Weaviate, and another try."""

from collections.abc import Iterable
from typing import Any

import click

from weaviate_migration.api.quarantine import RefusedRow, RefusedRows, refused_rows
from weaviate_migration.base.errors import DifferencesError
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.encoding import json_text
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    HeadedCommand,
    with_options,
)
from weaviate_migration.cli.show.terminal import compact_table, plain_console, tell

SHOWN_ROWS = 100
# A key or a server's reason may be of any length.
SHOWN_CHARACTERS = 300
# On a narrower terminal the UUIDs are left out; --json has them.
WIDE = 120

COLLECTION_OPTION = click.option("--collection", metavar="NAME", help="Only the rows of this collection, by its alias.")


@click.group(epilog=EPILOG)
def quarantine() -> None:
    """Show the rows that were refused, or try them again."""


@quarantine.command("list", cls=HeadedCommand, epilog=EPILOG)
@with_options(COLLECTION_OPTION, *MIGRATION_OPTIONS)
def list_rows(as_json: bool, collection: str | None, **options: Any) -> int:
    """Show the refused rows, with reasons. They are the current migration's; the exit code is 3 if there are any."""
    rows = refused_rows(config_with_optional_source(**options), collection)
    if as_json:
        return _exit_code(_print_json({"migration_id": rows.migration_id}, rows))
    return _exit_code(_print_table(rows))


@quarantine.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(COLLECTION_OPTION, *MIGRATION_OPTIONS)
def retry(as_json: bool, collection: str | None, **options: Any) -> int:
    """Write the refused rows again. They come from the migration's extracts; the exit code is 3 if any are left."""
    # Imported only now: it needs Dagster's settings and the client, and `list` needs neither.
    from weaviate_migration.api.quarantine_retry import retry_refused_rows

    result = retry_refused_rows(config_with_optional_source(**options), collection)
    if as_json:
        head = {"migration_id": result.left.migration_id, "written": result.written, "next_step": result.next_step}
        return _exit_code(_print_json(head, result.left))
    click.echo(f"{result.written:,} rows were written.")
    left = _print_table(result.left)
    if result.next_step:
        tell(result.next_step)
    return _exit_code(left)


def _exit_code(rows: int) -> int:
    return DifferencesError.exit_code if rows else 0


def _print_json(head: dict[str, Any], rows: Iterable[RefusedRow]) -> int:
    """Writes one JSON document, a line for each row as it is read: not all payloads fit into memory; counts them."""
    click.echo(json_text(head).removesuffix("}") + ', "rows": [', nl=False)
    count = 0
    for count, row in enumerate(rows, start=1):
        click.echo(("," if count > 1 else "") + "\n" + json_text(row.to_dict()), nl=False)
    click.echo("\n]}")
    return count


def _print_table(rows: RefusedRows) -> int:
    """Shows the first rows as a table, and counts all."""
    console = plain_console()
    table = compact_table(f"Quarantine of migration {rows.migration_id}")
    # A UUID is mostly the key, or made from it, and takes what the reason needs.
    with_uuids = console.width >= WIDE
    for heading in ("collection", "partition", "key", *(("uuid",) if with_uuids else ()), "reason"):
        table.add_column(heading, overflow="fold")
    count = 0
    for count, (collection, partition, row) in enumerate(rows, start=1):
        if count <= SHOWN_ROWS:
            uuid = (row.uuid or "",) if with_uuids else ()
            table.add_row(*map(_cut, (collection, partition, row.key, *uuid, row.reason)))
    if not count:
        tell(f"No row is in the quarantine of migration {rows.migration_id}.")
        return 0
    console.print(table)
    if count > SHOWN_ROWS:
        tell(f"… and {count - SHOWN_ROWS:,} more; --json has all.")
    return count


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
