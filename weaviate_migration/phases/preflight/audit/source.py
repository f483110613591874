"""The audit of a whole file."""

from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import SourceError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.permissions import make_folder
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.preflight.audit.full_text import full_text_reports
from weaviate_migration.phases.preflight.audit.misfits import misfits
from weaviate_migration.phases.preflight.audit.report import TableReport
from weaviate_migration.phases.preflight.audit.tables import audit_table
from weaviate_migration.phases.preflight.source_side import look_for_damage
from weaviate_migration.source.connect import RECOVER_HINT, connect_to_read, source_errors
from weaviate_migration.source.full_text import full_text_indexes
from weaviate_migration.source.other_tables import OmittedTable, OtherTables, other_tables
from weaviate_migration.source.parted_tables import PartedTable
from weaviate_migration.source.plan import planned_source


@dataclass(frozen=True)
class SourceAudit:
    """What a file holds, and what of it does not fit.

    Attributes:
        tables: the mapped ones, in the mapping's order.
        not_migrated: the tables that the mapping does not know, with their rows; no views.
        warnings: what the mapping names and the file lacks, and what SQLite's check says of rows.
        omitted_tables: those that the mapping leaves out.
        parted_tables: those whose collections have conditions or statements, each with the rows that are in none of
            them, or in several.
    """

    tables: tuple[TableReport, ...]
    not_migrated: ReadOnlyMapping[str, int]
    warnings: tuple[str, ...]
    omitted_tables: ReadOnlyMapping[str, OmittedTable] = field(default_factory=dict)
    parted_tables: ReadOnlyMapping[str, PartedTable] = field(default_factory=dict)

    @property
    def other_tables(self) -> OtherTables:
        """The tables and rows that no collection is made from."""
        return OtherTables(unmapped=self.not_migrated, omitted=self.omitted_tables, parted=self.parted_tables)

    @property
    def misfits(self) -> list[str]:
        """A sentence for each property and vector that hardly a value of its column fits."""
        return [text for each in self.tables for text in misfits(each)]

    @property
    def rows(self) -> int:
        """Rows of the mapped tables."""
        return sum(each.rows for each in self.tables)

    @property
    def refused(self) -> int:
        """Rows that could not become objects."""
        return sum(each.refused for each in self.tables)

    def to_dict(self) -> dict[str, Any]:
        """What `audit --json` prints.

        `rows` and `refused` count the rows of all mapped tables, and those of them that could not become objects;
        `not_migrated` has the tables that the mapping does not know, with their rows, and `omitted_tables` those that
        it leaves out, with their rows and the reason; `parted_tables`, where there are any, has those whose
        collections have `where` or `select`, with the rows that are in none of them, or in several; `warnings` are
        texts, also of rows that go nowhere and of columns that hardly fit. `tables` has for each mapped table the
        fields of `TableReport`, with `key`, `columns`, their `findings`, `vectors`, `full_text`, and `orphans` as their
        classes in `report.py` say.
        """
        parted = [{"table": table, **each.model_dump()} for table, each in self.parted_tables.items()]
        return {
            "rows": self.rows,
            "refused": self.refused,
            "tables": [asdict(each) for each in self.tables],
            "not_migrated": [{"table": name, "rows": rows} for name, rows in self.not_migrated.items()],
            "warnings": [*self.warnings, *self.other_tables.warnings, *self.misfits],
            "omitted_tables": [{"table": table, **each.model_dump()} for table, each in self.omitted_tables.items()],
            **({"parted_tables": parted} if parted else {}),
        }


def audit_source(path: Path, mapping: Mapping, scratch: Path, partitions: int = DEFAULT_PARTITIONS) -> SourceAudit:
    """Reads every value of a file that a migration would move; nothing is written to it.

    The application may go on writing: what it changes meanwhile may be seen or not.

    Args:
        path: the file.
        scratch: a folder for what is on disk meanwhile; made if needed.
        partitions: into how many each table is to be cut.

    Raises:
        SourceNotUsableError: it is no SQLite database, or has none of the mapped tables.
        MappingError: it lacks what the mapping wants.
        SourceError: it is locked or corrupt, or there is no space for what is on disk meanwhile.
    """
    make_folder(scratch)
    with (
        planned_source(path, mapping, scratch) as (database, plan),
        source_errors(path),
        closing(connect_to_read(database.path)) as connection,
    ):
        remarks = _remarks(path, database.path)
        others = other_tables(connection, database, plan)
        indexes = full_text_indexes(connection)
        return SourceAudit(
            tables=tuple(
                replace(
                    audit_table(connection, each, plan, partitions, scratch),
                    full_text=tuple(full_text_reports(each, indexes)),
                )
                for each in plan.collections
            ),
            not_migrated=others.unmapped,
            warnings=(*plan.warnings, *remarks),
            omitted_tables=others.omitted,
            parted_tables=others.parted,
        )


def _remarks(path: Path, readable: Path) -> list[str]:
    """What SQLite's check remarks on; raises SourceError where it finds damage."""
    found = look_for_damage(path, readable)
    if found is not None and found.damage:
        raise SourceError(f"{path}: is damaged: {'; '.join(found.damage)}", RECOVER_HINT)
    return [found.remark_text()] if found is not None and found.remarks else []
