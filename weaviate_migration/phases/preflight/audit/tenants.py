"""The tenants of one table: how many, how large, who has none, and whose name is a hash.

They are counted on disk, in a database of their own: memory stays bounded, however many there are.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.mapping.tenants import HASHED, tenant_name
from weaviate_migration.mapping.values import SqlValue, sql_literal
from weaviate_migration.phases.preflight.audit.report import TenantReport
from weaviate_migration.phases.preflight.audit.tally import EXAMPLES, KeyOf, Tally
from weaviate_migration.source.connect import made_on_disk, source_errors

_MADE = "CREATE TABLE tenants (name TEXT PRIMARY KEY, rows INTEGER, value TEXT) WITHOUT ROWID"
_COUNTED = "INSERT INTO tenants VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET rows = rows + excluded.rows"


class TenantAudit:
    """Looks at all tenants of one table.

    Args:
        folder: for what is kept on disk; it has to be there until `report` was called.
    """

    def __init__(self, tenant: TenantMapping, columns: Sequence[str], folder: Path) -> None:
        self._tenant = tenant
        self._position = columns.index(tenant.column)
        self._null = Tally()
        self._path = folder / "tenants.sqlite"
        self._connection = made_on_disk(self._path, _MADE)

    def close(self) -> None:
        """Forgets the tenants."""
        self._connection.close()

    def add(self, columns: Sequence[Sequence[SqlValue]], key_of: KeyOf, refused: set[int]) -> list[str]:
        """Looks at the tenants of one slice.

        Args:
            columns: the slice's, in their order.
            refused: takes the rows that have no tenant.

        Returns:
            The tenant's name of each row; '' where it has none.
        """
        values = columns[self._position]
        names = [tenant_name(value, self._tenant.of_null) for value in values]
        shown = dict(zip(names, values, strict=True))
        for row, value in enumerate(values):
            if value is None:
                self._null.add(row, key_of)
        refused.update(row for row, name in enumerate(names) if not name)
        with source_errors(self._path):
            self._connection.execute("BEGIN")
            counted = ((name, rows, sql_literal(shown[name])) for name, rows in Counter(names).items() if name)
            self._connection.executemany(_COUNTED, counted)
            self._connection.execute("COMMIT")
        return names

    def report(self) -> TenantReport:
        """What was found."""
        with source_errors(self._path):
            ((tenants, hashed),) = self._connection.execute(
                "SELECT count(*), coalesce(sum(substr(name, 1, ?) = ?), 0) FROM tenants", (len(HASHED), HASHED)
            )
            largest = self._connection.execute("SELECT name, rows FROM tenants ORDER BY rows DESC, name LIMIT 1")
            name, rows = largest.fetchone() or ("", 0)
            examples = self._connection.execute(
                "SELECT value, name FROM tenants WHERE substr(name, 1, ?) = ? ORDER BY rows DESC, name LIMIT ?",
                (len(HASHED), HASHED, EXAMPLES),
            ).fetchall()
        return TenantReport(
            column=self._tenant.column,
            tenants=tenants,
            largest=name,
            largest_rows=rows,
            null=self._null.count,
            null_examples=tuple(self._null.examples),
            of_null=self._tenant.of_null or "",
            hashed=hashed,
            hashed_examples=tuple(f"{value} as {name}" for value, name in examples),
        )


def tenant_audit(mapping: CollectionMapping, columns: Sequence[str], folder: Path) -> TenantAudit | None:
    """What looks at a collection's tenants; None where it has none."""
    return TenantAudit(mapping.tenant, columns, folder) if mapping.tenant is not None else None
