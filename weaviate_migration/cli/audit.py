"""`audit`: what the file holds, and what of it does not fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from weaviate_migration.api.session import Session, opened
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
from weaviate_migration.phases.preflight.audit import (
    ColumnReport,
    KeyReport,
    SourceAudit,
    TableReport,
    TenantReport,
    audit_source,
)
from weaviate_migration.phases.preflight.audit.kinds import FATES
from weaviate_migration.phases.preflight.embedding_cost import EmbeddingCost, embedding_costs
from weaviate_migration.phases.preflight.large_rows import refuse_large_rows
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_migrate
from weaviate_migration.source.plan import planned_source
from weaviate_migration.vectors.open_models import OpenModels


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
def audit(as_json: bool, **options: Any) -> int:
    """Read every value, and show what does not fit. It says what a migration would make of it."""
    config = create_migration_config(**options)
    with opened(config, mapping_to_migrate) as session:
        refuse_large_rows(session.source, session.mapping, session.work_folder.scratch, config.memory_limit_mb)
        partitions = session.work_folder.records.partitions(config.partitions)
        found = audit_source(session.source, session.mapping, session.work_folder.scratch, partitions)
        costs = _embedding_costs(session)
        say_drawn(session.drawn_mapping)
    if as_json:
        print_json({**found.to_dict(), "embedding": [asdict(each) for each in costs]} if costs else found.to_dict())
        return 0
    console = plain_console()
    _print_audit(found, console)
    for each in costs:
        print_text(console, f"embedding with {each}")
    return 0


def _embedding_costs(session: Session) -> list[EmbeddingCost]:
    """What models would be asked for."""
    if not session.mapping.makes_vectors:
        return []
    path, mapping, scratch = session.source, session.mapping, session.work_folder.scratch
    with (
        OpenModels(session.work_folder.vector_cache_place, session.config) as models,
        planned_source(path, mapping, scratch) as (database, plan),
    ):
        return embedding_costs(path, database.path, mapping, plan, partial(models.embedder, mapping), scratch)


def _print_audit(audit: SourceAudit, console: Console) -> None:
    console.print(_overview_table(audit), "")
    for each in audit.tables:
        if each.findings or _is_mixed(each):
            console.print(_columns_table(each), "")
        for line in _remarks(each):
            print_text(console, f"{each.title}: {line}")
    for text in (*audit.warnings, *audit.other_tables.warnings, *audit.misfits):
        print_text(console, f"warning: {text}", "yellow")
    for fate in sorted({finding.fate for each in audit.tables for _, finding in each.findings}):
        print_text(console, f"{fate}: {FATES[fate]}")
    console.print(f"{audit.refused:,} of {audit.rows:,} rows would be refused.")


def _table_with(title: str, *headings: str) -> Table:
    table = compact_table(title)
    for heading in headings:
        # Cut names would be of no use: they are continued on the next line.
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left", overflow="fold")
    return table


_NUMBERS = ("rows", "values", "do not fit", "refused", "orphans")


def _add(table: Table, *cells: str | int) -> None:
    table.add_row(*(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells))


def _overview_table(audit: SourceAudit) -> Table:
    table = _table_with("What the file holds", "table", "rows", "collection", "do not fit", "refused", "orphans")
    for each in audit.tables:
        if not each.exists:
            _add(table, each.table, "not in the file", each.collection)
            continue
        do_not_fit = sum(finding.count for _, finding in each.findings)
        orphans = sum(relation.count for relation in each.orphans)
        _add(table, each.title, each.rows, each.collection, do_not_fit, each.refused, orphans)
    for name, rows in audit.not_migrated.items():
        _add(table, name, rows, "not migrated")
    for name, omitted in audit.omitted_tables.items():
        _add(table, name, "" if omitted.rows is None else omitted.rows, f"left out: {omitted.reason}")
    return table


def _columns_table(table: TableReport) -> Table:
    """The columns with something to say: values that do not fit, or of several storage classes."""
    title = f"{table.table} → {table.collection}"
    shown = _table_with(title, "column", "holds", "values", "what does not fit", "first keys")
    for column in table.columns:
        if not column.findings and not _is_mixed_column(column):
            continue
        _add(shown, column.name, _holds(column))
        for finding in column.findings:
            what, keys = f"{finding.sentence}: {finding.fate}", "\n".join(finding.examples)
            _add(shown, f"→ {finding.property}", "", finding.count, what, keys)
    return shown


def _holds(column: ColumnReport) -> str:
    """Each storage class with its number, smallest and largest value."""
    return "\n".join(
        f"{count:,} {name}" + (f": {column.smallest[name]!r} to {column.largest[name]!r}" if name != "null" else "")
        for name, count in column.storage_classes.items()
    )


def _is_mixed(table: TableReport) -> bool:
    return any(map(_is_mixed_column, table.columns))


def _is_mixed_column(column: ColumnReport) -> bool:
    return len(column.storage_classes.keys() - {"null"}) > 1


def _remarks(table: TableReport) -> Iterator[str]:
    """What is to be said of a table besides its values, a line each."""
    if table.key is not None:
        yield from _key_remarks(table.key)
    if table.tenants is not None:
        yield from _tenant_remarks(table.tenants)
    yield from _counted("rows larger than the server takes", table.too_large, table.too_large_examples)
    for vector in table.vectors:
        if vector.lengths:
            told = ", ".join(f"{count:,} of {length:,} numbers" for length, count in vector.lengths.items())
            yield f"vector {vector.name}: {told}; {vector.null:,} NULL"
    for index in table.full_text:
        found = "; ".join([*index.gaps, *index.not_to_be_had]) or "a search finds the same"
        yield f"{', '.join(index.columns)} searched by {index.told}: {found}"
    for each in table.orphans:
        yield from _counted(f"rows whose {each.column} is no key of {each.to_table}", each.count, each.examples)
    if table.in_source_columns_only:
        yield f"only in source_columns: {', '.join(table.in_source_columns_only)}"
    if table.left_out:
        yield f"nowhere, as the mapping says: {_with_reasons(table.left_out)}"
    if table.missing_columns:
        yield f"in the mapping, but not in the file: {', '.join(table.missing_columns)}"
    if table.read_in == "one statement":
        yield "was read by one statement: with a rollback journal, nobody could commit meanwhile"


def _key_remarks(key: KeyReport) -> Iterator[str]:
    yield from _counted("rows with NULL in their key", key.null, key.null_examples)
    yield from _counted("rows whose key another row has, too", key.duplicate, key.duplicate_examples)
    yield from _counted("keys that differ from another one in case only", key.case_only, key.case_only_examples)
    if key.uneven:
        yield f"partitions cannot be even: the largest would have {key.largest_partition:,} rows"


def _tenant_remarks(found: TenantReport) -> Iterator[str]:
    yield f"{found.tenants:,} tenants by {found.column}; the largest, {found.largest}, has {found.largest_rows:,} rows"
    becomes = f"go to tenant {found.of_null}" if found.of_null else "have no tenant, and are refused"
    yield from _counted(f"rows whose {found.column} is NULL {becomes}", found.null, found.null_examples)
    yield from _counted("tenants whose name is made by a hash", found.hashed, found.hashed_examples)


def _counted(what: str, count: int, examples: Sequence[str]) -> Iterator[str]:
    if count:
        yield f"{what}: {count:,}, such as {', '.join(examples)}"


def _with_reasons(left_out: Mapping[str, str]) -> str:
    return ", ".join(f"{column} ({reason})" for column, reason in left_out.items())
