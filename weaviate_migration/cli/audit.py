"""`audit`: what the file holds."""

from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from weaviate_migration.audit import SourceAudit, audit_source
from weaviate_migration.cli.options import EPILOG, SOURCE_OPTIONS, WORK_OPTIONS, print_json, with_options
from weaviate_migration.mapping import read_mapping
from weaviate_migration.settings import create_migration_config


@click.command(epilog=EPILOG)
@with_options(*SOURCE_OPTIONS, *WORK_OPTIONS)
def audit(as_json: bool, **options: Any) -> int:
    """Show what the file holds, which tables and columns go where, and what is left out."""
    config = create_migration_config(**options)
    found = audit_source(config, read_mapping(config.mapping))
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found, Console())
    return 0


def _show(audit: SourceAudit, console: Console) -> None:
    """What the file holds and where it goes."""
    plan, rows = audit.plan, audit.rows
    table = Table(title="What the file holds", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("table", "rows", "collection", "columns with a property", "in source_columns only"):
        # Cut names would be of no use: they are continued on the next line.
        table.add_column(heading, justify="right" if heading == "rows" else "left", overflow="fold")
    for each in plan.collections:
        if each.table is not None:
            mapped = [column for column in each.columns if column not in each.unmapped_columns]
            table.add_row(
                each.table.name,
                f"{rows[each.table.name]:,}",
                each.mapping.name,
                ", ".join(mapped),
                ", ".join(each.unmapped_columns),
            )
    for name in plan.unmapped_tables:
        table.add_row(name, f"{rows[name]:,}", "not migrated", "", "")
    console.print(table)
    for text in plan.warnings:
        console.print(f"warning: {text}", style="yellow", highlight=False, markup=False, soft_wrap=True)
