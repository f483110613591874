"""`plan`: the mapping as it fits the file."""

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from weaviate_migration.api.session import opened
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.cli.show.drawn_mapping import say_drawn
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import compact_table, plain_console, print_text
from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_migrate
from weaviate_migration.source.capture import uncaptured_tables
from weaviate_migration.source.inspect import Table as SourceTable
from weaviate_migration.source.lookups import slow_lookups
from weaviate_migration.source.other_tables import OtherTables, read_other_tables
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, planned_source


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
def plan(as_json: bool, **options: Any) -> int:
    """Show the mapping as it fits this file. Every column has the property it becomes."""
    config = create_migration_config(**options)
    with (
        opened(config, mapping_to_migrate) as session,
        planned_source(session.source, session.mapping, session.work_folder.scratch) as (database, found),
    ):
        others = read_other_tables(session.source, database, found)
        live = [*uncaptured_tables(found), *slow_lookups(database.path, found)]
        say_drawn(session.drawn_mapping)
    if as_json:
        print_json(_plan_document(found, others, live))
    else:
        _print_plan(found, others, live, plain_console())
    return 0


def _plan_document(plan: MigrationPlan, others: OtherTables, live: Sequence[str]) -> dict[str, Any]:
    """What `plan --json` prints: the mapping as it fits this file.

    Args:
        live: what `migrate --live` cannot follow, or only slowly.
    """
    return {
        "collections": [
            {
                **each.mapping.model_dump(mode="json"),
                "table_exists": each.table is not None,
                "key": list(each.key),
                "uses_rowid": each.uses_rowid,
                "missing_columns": list(each.missing_columns),
                "in_source_columns_only": list(each.unmapped_columns),
            }
            for each in plan.collections
        ],
        "not_migrated": list(plan.unmapped_tables),
        "warnings": [*plan.warnings, *others.warnings],
        "live": list(live),
        "other_tables": others.model_dump(mode="json"),
    }


def _print_plan(plan: MigrationPlan, others: OtherTables, live: Sequence[str], console: Console) -> None:
    """The mapping as it fits the file: for each column of each table where it goes."""
    for each in plan.collections:
        if each.table is None:
            console.print(f"{each.mapping.table}: not in the file; {each.mapping.name} stays empty\n")
        else:
            _print_collection(each, console)
    for table, omitted in others.omitted.items():
        rows = "" if omitted.rows is None else f"{omitted.rows:,} rows, "
        print_text(console, f"{table}: {rows}left out: {omitted.reason}")
    for text in (*plan.warnings, *others.warnings):
        print_text(console, f"warning: {text}", "yellow")
    for text in live:
        print_text(console, f"with --live: {text}")


def _print_collection(plan: CollectionPlan, console: Console) -> None:
    """A heading, the statement that gives its rows, as it is written, and its columns."""
    assert plan.table is not None
    statements = [each for each in (plan.mapping.select, plan.mapping.where) if each]
    rows = plan.mapping.made_from if statements else plan.table.name
    told = f"key: {'rowid' if plan.uses_rowid else ', '.join(plan.key)}"
    if (tenant := plan.mapping.tenant) is not None:
        told += f"; tenant: {tenant.column}" + (f", {tenant.only} alone" if tenant.only is not None else "")
    heading = f"{rows} → {plan.mapping.name} ({told})"
    untold = [each for each in statements if each not in heading]
    if untold:
        print_text(console, "\n".join([heading, *untold]))
    console.print(_columns_table(plan.table, plan, "" if untold else heading), "")


def _index(prop: PropertyMapping) -> str:
    """How it is indexed, and what the mapping says of its words."""
    index = prop.index or ("filter" if prop.is_filterable else "stored")
    folding = "ascii_fold" if prop.ascii_fold else None
    listed = (prop.stopwords,) if isinstance(prop.stopwords, str) else prop.stopwords
    stopwords = f"stopwords: {' '.join(listed)}" if listed else None
    return ", ".join(each for each in (index, prop.tokenization, folding, stopwords) if each)


def _maker(vector: VectorMapping) -> str:
    """What a vector's numbers are, or who makes them of the column's text."""
    if vector.model is not None:
        return f"made by the model {vector.model}"
    return "float32" if vector.column is not None else f"made by the server's {vector.vectorizer}"


def _columns_table(source: SourceTable, plan: CollectionPlan, heading: str) -> Table:
    table = compact_table(heading)
    for name in ("column", "declared", "property", "type", "index"):
        table.add_column(name, overflow="fold")
    for column in source.columns:
        targets = [prop for prop in plan.mapping.properties if prop.column == column.name]
        if column.name in plan.mapping.omit:
            table.add_row(column.name, column.declared_type, f"left out: {plan.mapping.omit[column.name]}", "", "")
        elif not targets:
            table.add_row(column.name, column.declared_type, f"{plan.mapping.provenance}.source_columns", "text", "")
        for prop in targets:
            table.add_row(column.name, column.declared_type, prop.name, prop.type, _index(prop))
        for parent in plan.mapping.parent_properties:
            if parent.column == column.name:
                table.add_row(column.name, column.declared_type, parent.name, "uuid of the parent", _index(parent))
        for name, to in plan.mapping.references.items():
            if column.name in [each.column for each in plan.mapping.relations if each.reference == name]:
                table.add_row(column.name, column.declared_type, f"reference {name}", f"to {to}", "")
        for vector in plan.mapping.vectors:
            if column.name in (vector.column, *vector.from_columns):
                table.add_row(column.name, column.declared_type, f"vector {vector.name}", _maker(vector), "")
    return table
