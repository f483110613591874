"""A table read once: what its columns hold, which of them look secret, and whose keys they hold."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weaviate_migration.phases.preflight.audit.relations import orphan_sql
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts, ColumnReading
from weaviate_migration.phases.preflight.inference.relations import Candidate
from weaviate_migration.phases.preflight.inference.secrets import SecretReading
from weaviate_migration.source.inspect import Table
from weaviate_migration.source.slices import table_slices


@dataclass(frozen=True)
class FoundRelation:
    """A candidate for a relation, and how many rows have a value in its column that is no key of the parent."""

    candidate: Candidate
    orphans: int


@dataclass(frozen=True)
class TableFacts:
    """What was read of one table.

    Attributes:
        columns: what each column holds, by its name.
        secrets: why a column is taken for secret, by its name.
        remarks: what is to be said of single values in a column, by its name.
        relations: the candidates, with what was found of each.
    """

    rows: int
    columns: Mapping[str, ColumnFacts]
    secrets: Mapping[str, str]
    remarks: Mapping[str, str]
    relations: Sequence[FoundRelation]


def read_table(connection: sqlite3.Connection, table: Table, candidates: Sequence[Candidate]) -> TableFacts:
    """Reads every value of a table, slice by slice.

    Args:
        connection: made for this.
        candidates: for relations of the table's.
    """
    readable = [column for column in table.columns if not column.unreadable]
    names = [column.name for column in readable]
    columns = {name: ColumnReading() for name in names}
    secrets = {column.name: SecretReading(column.name, column.declared_type) for column in readable}
    orphans = [0] * len(candidates)
    rows = 0
    questions = [
        orphan_sql(each.column, each.parent.table, each.parent.key[0], at) for at, each in enumerate(candidates)
    ]
    conditions, joins = [condition for condition, _ in questions], " ".join(join for _, join in questions)
    for part in table_slices(connection, table, names, conditions, joins):
        for name, values in zip(names, part.columns, strict=True):
            columns[name].add(values)
            secrets[name].add(values)
        orphans = [count + sum(found) for count, found in zip(orphans, part.computed, strict=True)]  # type: ignore[arg-type]  # conditions: 0 or 1
        rows += len(part.columns[0])
    return TableFacts(
        rows=rows,
        columns={name: reading.facts() for name, reading in columns.items()},
        secrets={name: reading.reason for name, reading in secrets.items() if reading.reason is not None},
        remarks={name: reading.remark for name, reading in secrets.items() if reading.remark is not None},
        relations=tuple(map(FoundRelation, candidates, orphans)),
    )
