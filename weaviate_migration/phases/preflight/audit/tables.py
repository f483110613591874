"""One mapped table: its rows once, slice by slice, past all that looks at them."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from weaviate_migration.base.endings import Endings
from weaviate_migration.mapping.row_to_object import key_text, row_converter
from weaviate_migration.phases.preflight.audit.columns import ColumnAudit
from weaviate_migration.phases.preflight.audit.keys import Key, KeyAudit
from weaviate_migration.phases.preflight.audit.relations import RelationAudit, relation_audits
from weaviate_migration.phases.preflight.audit.report import TableReport
from weaviate_migration.phases.preflight.audit.tally import KeyOf, Tally
from weaviate_migration.phases.preflight.audit.tenants import TenantAudit, tenant_audit
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan
from weaviate_migration.source.slices import Slice, table_slices
from weaviate_migration.target.message_size import MESSAGE_BYTES, estimated_size, too_large

# A character becomes at most six bytes in `source_columns` (`\u0000`), and an item of a JSON array (`"",` or `1,`)
# sixteen in the property; the rest is for what an object has besides.
_BYTES_OF_A_CHARACTER = 8
_ANY_TIME = "2026-01-01T00:00:00Z"


def audit_table(
    connection: sqlite3.Connection, plan: CollectionPlan, whole: MigrationPlan, partitions: int, scratch: Path
) -> TableReport:
    """Reads every planned column of a table once.

    Args:
        whole: where the parents of its rows are planned.
        partitions: into how many the table is to be cut.
        scratch: a folder for keys, on disk while the table is read.
    """
    if plan.table is None:
        return TableReport(plan.mapping.table, plan.mapping.name, exists=False)
    with Endings() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=scratch, prefix="audit-")))
        keys = stack.enter_context(closing(KeyAudit(plan, partitions, folder)))
        tenants = tenant_audit(plan.mapping, plan.columns, folder)
        if tenants is not None:
            stack.enter_context(closing(tenants))
        audit = _TableAudit(plan, keys, tenants, relation_audits(plan, whole))
        for rows in table_slices(connection, plan.table, plan.columns, audit.conditions, audit.joins):
            audit.add(rows)
        return audit.report()


class _TableAudit:
    """All that looks at the rows of one table."""

    def __init__(
        self, plan: CollectionPlan, keys: KeyAudit, tenants: TenantAudit | None, relations: Sequence[RelationAudit]
    ) -> None:
        assert plan.table is not None
        self._plan = plan
        self._table = plan.table
        self._keys = keys
        self._tenants = tenants
        self._relations = relations
        self._rows = 0
        self._refused = 0
        self._too_large = Tally()
        self._columns = [
            ColumnAudit(
                column.name,
                column.declared_type,
                [prop for prop in plan.mapping.properties if prop.column == column.name],
                [vector for vector in plan.mapping.vectors if vector.column == column.name],
            )
            for column in self._table.columns
            if column.name in plan.columns
        ]
        self._convert = row_converter(plan.mapping, plan.columns, _ANY_TIME)
        made_from = [prop.column for prop in plan.mapping.properties] + list(plan.mapping.column_vectors.values())
        of_one_column = max(Counter(made_from).values())
        self._surely_small = MESSAGE_BYTES // (_BYTES_OF_A_CHARACTER * (1 + of_one_column))

    @property
    def conditions(self) -> list[str]:
        """SQL that is asked for each row: whether it is an orphan."""
        return [each.condition for each in self._relations]

    @property
    def joins(self) -> str:
        """What the conditions use."""
        return " ".join(each.join for each in self._relations)

    def add(self, rows: Slice) -> None:
        """Looks at the rows of one slice."""
        keys = self._keys_of(rows)

        def key_of(row: int) -> str:
            return key_text(keys[row])

        refused = {row for row, key in enumerate(keys) if None in key}
        tenants = self._tenants.add(rows.columns, key_of, refused) if self._tenants is not None else None
        for column, values in zip(self._columns, rows.columns, strict=True):
            column.add(values, key_of, refused)
        if rows.longest > self._surely_small:
            self._look_for_large_rows(rows, key_of, refused)
        for column, values in zip(self._columns, rows.columns, strict=True):
            column.add_vectors(values, key_of, refused)
        for relation, orphans in zip(self._relations, rows.computed, strict=True):
            relation.add(orphans, key_of)
        self._keys.add(keys, tenants, rows.rowids, refused)
        self._rows += len(keys)
        self._refused += len(refused)

    def report(self) -> TableReport:
        """What was found."""
        plan, keys = self._plan, self._keys.report()
        return TableReport(
            table=self._table.name,
            collection=plan.mapping.name,
            exists=True,
            read_in="slices" if self._table.rowid else "one statement",
            rows=self._rows,
            key=keys,
            tenants=self._tenants.report() if self._tenants is not None else None,
            columns=tuple(each.report() for each in self._columns),
            vectors=tuple(found for each in self._columns for found in each.vector_reports()),
            orphans=tuple(each.report() for each in self._relations),
            too_large=self._too_large.count,
            too_large_examples=tuple(self._too_large.examples),
            refused=self._refused + self._keys.refused,
            missing_columns=plan.missing_columns,
            in_source_columns_only=plan.unmapped_columns,
            left_out=plan.mapping.omit,
            is_part=not plan.mapping.is_whole_table,
        )

    def _keys_of(self, rows: Slice) -> list[Key]:
        if self._plan.uses_rowid:
            return list(zip(rows.rowids, strict=True))
        positions = [self._plan.columns.index(name) for name in self._plan.key]
        return list(zip(*(rows.columns[position] for position in positions), strict=True))

    def _look_for_large_rows(self, rows: Slice, key_of: KeyOf, refused: set[int]) -> None:
        """Converts the rows that may be over the limit, as the migration would, and weighs what comes out."""
        for row, values in enumerate(zip(*rows.columns, strict=True)):
            length = sum([len(value) for value in values if isinstance(value, (str, bytes))])
            if length > self._surely_small and row not in refused:
                size = estimated_size(self._convert("", key_of(row), values))
                if too_large(size, MESSAGE_BYTES):
                    self._too_large.add(row, key_of)
                    refused.add(row)
