"""The certificate of a full comparison: what was compared, and digests of both sides that anyone can compute again."""

import json
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from upath import UPath

from weaviate_migration.base.settings import ConsistencyLevel
from weaviate_migration.base.texts import rows_of_tables
from weaviate_migration.phases.validation.digests import collection_digest
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison, TenantComparison
from weaviate_migration.source.other_tables import OtherTables
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.storage import read_text, remove, write_whole

_PACKAGES = ("weaviate-migration", "dagster", "weaviate-client", "pyarrow")
DEFINITION = (
    "SHA-256 over one line for each row, ascending by UUID: a JSON array of the UUID and the row's values; see "
    "`The certificate` in docs/prove.md of weaviate-migration."
)


@dataclass(frozen=True)
class ComparedCollection:
    """One collection's part of a full comparison.

    Attributes:
        alias: the name by which readers know it.
        collection: the migration's own version.
        replicas: on how many nodes each object is kept.
        snapshot_rows: rows that the snapshot's table has; None where the snapshot was removed.
        columns: the columns of the extract, all of which were compared, in the order of the digests' values.
        omitted: columns that the mapping leaves out, each with the reason.
        partitions: what the comparison of each found, in their order.
    """

    alias: str
    collection: str
    table: str
    replicas: int
    snapshot_rows: int | None
    columns: tuple[str, ...]
    omitted: Mapping[str, str]
    partitions: Sequence[PartitionComparison]

    @property
    def rows(self) -> int:
        """Rows of the extract, as they have changed since the snapshot."""
        return sum(each.rows for each in self.partitions)

    @property
    def extract_rows(self) -> int:
        """Rows of the extract, as it was taken from the snapshot."""
        return sum(each.extract_rows for each in self.partitions)

    @property
    def objects(self) -> int:
        """Objects of the collection."""
        return sum(each.objects for each in self.partitions)

    @property
    def pending(self) -> int:
        """Rows that were left out, since a change of theirs was not applied yet."""
        return sum(each.pending for each in self.partitions)

    @property
    def differences(self) -> int:
        """All of them."""
        return sum(each.total for each in self.partitions)

    @property
    def tenants(self) -> dict[str, dict[str, Any]]:
        """What was found of each tenant, ascending; empty where the collection has none."""
        parts: dict[str, list[TenantComparison]] = {}
        for partition in self.partitions:
            for name, each in partition.tenants.items():
                parts.setdefault(name, []).append(each)
        return {name: _tenant(each) for name, each in sorted(parts.items())}

    def to_dict(self) -> dict[str, Any]:
        """Its part of the certificate."""
        tenants = self.tenants
        return {
            "collection": self.collection,
            "table": self.table,
            "columns": list(self.columns),
            "omitted_columns": dict(self.omitted),
            "snapshot_rows": self.snapshot_rows,
            "rows": self.rows,
            "changed_since_snapshot": sum(each.changed for each in self.partitions),
            "objects": self.objects,
            "differences": self.differences,
            "source_digest": collection_digest(each.source_digest for each in self.partitions),
            "target_digest": collection_digest(each.target_digest for each in self.partitions),
            "partitions": [
                {
                    "partition": each.partition,
                    "rows": each.rows,
                    "objects": each.objects,
                    "source_digest": each.source_digest,
                    "target_digest": each.target_digest,
                }
                for each in self.partitions
            ],
            **({"replicas": self.replicas} if self.replicas > 1 else {}),
            **({"tenants": tenants} if tenants else {}),
        }


def _tenant(parts: Sequence[TenantComparison]) -> dict[str, Any]:
    """A tenant's entry, from what was found of it in each of the partitions that it is in."""
    return {
        "rows": sum(each.rows for each in parts),
        "objects": sum(each.objects for each in parts),
        "differences": sum(each.differences for each in parts),
        "source_digest": collection_digest(each.source_digest for each in parts),
        "target_digest": collection_digest(each.target_digest for each in parts),
    }


def certificate(
    record: MigrationRecord,
    collections: Sequence[ComparedCollection],
    server_version: str,
    level: ConsistencyLevel,
    began: datetime,
    ended: datetime,
) -> dict[str, Any]:
    """What a full comparison of a whole migration established, as plain values.

    Args:
        collections: all of the mapping's, each with all of its partitions.
        server_version: of Weaviate.
        level: at which objects were read, where there are replicas.
        began, ended: when the first and the last partition had been compared, in UTC.
    """
    differences = sum(each.differences for each in collections)
    snapshot = record.snapshot
    assert snapshot is not None, "what was extracted has a snapshot"
    return {
        "statement": statement(collections, record),
        "identical": not differences,
        "differences": differences,
        "migration_id": record.id,
        "source": str(record.source),
        "mapping": {"name": record.mapping_name, "sha256": record.mapping_digest},
        "snapshot": {
            "sha256": snapshot.sha256,
            "bytes": snapshot.bytes,
            "taken_at": snapshot.taken_at.isoformat(),
        },
        **({"consistency_level": level} if any(each.replicas > 1 for each in collections) else {}),
        "compared": {"began_at": began.isoformat(), "completed_at": ended.isoformat()},
        "collections": {each.alias: each.to_dict() for each in collections},
        **_other_tables(snapshot.other_tables),
        "digests": DEFINITION,
        "versions": {
            **{name: version(name) for name in _PACKAGES},
            "weaviate": server_version,
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
    }


def lacking_rows(collections: Sequence[ComparedCollection]) -> list[str]:
    """What the extracts lack of the snapshot: neither side has it, so that no comparison of the two shows it."""
    return [
        f"the extract of {each.table} has {each.extract_rows} rows, the snapshot {each.snapshot_rows}"
        for each in collections
        if each.snapshot_rows is not None and each.extract_rows != each.snapshot_rows
    ]


def statement(collections: Sequence[ComparedCollection], record: MigrationRecord) -> str:
    """What was compared, and what of the file was left out, by the mapping or by nobody's will."""
    others = record.snapshot.other_tables if record.snapshot else None
    if lacking := lacking_rows(collections):
        return f"Not everything was compared: {'; '.join(lacking)}."
    columns = [f"{each.table}.{column}" for each in collections for column in each.omitted]
    tables = {table: each.rows for table, each in others.omitted.items()} if others else {}
    unreadable = others.unreadable if others else {}
    exceptions = [f"the columns that the mapping omits ({', '.join(columns)})"] if columns else []
    exceptions += [f"the tables that the mapping omits: {rows_of_tables(tables)}"] if tables else []
    rows = others.rows_in_none if others else {}
    exceptions += (
        [f"the rows that the mapping's conditions and statements leave out: {rows_of_tables(rows)}"] if rows else []
    )
    exceptions += [f"the tables that only the application can read: {', '.join(unreadable)}"] if unreadable else []
    but = f", but for {' and '.join(exceptions)}" if exceptions else ""
    passed_over = f" {others.sentence}." if others and not others.is_everything_mapped else ""
    return f"100 % of rows and columns compared{but}.{passed_over}"


def _other_tables(found: OtherTables | None) -> dict[str, Any]:
    """What of the file is in no collection; nothing where an older version took the snapshot, and did not count it."""
    if found is None:
        return {}
    omitted = {table: each.model_dump() for table, each in found.omitted.items()}
    return {
        "omitted_tables": omitted,
        "unmapped_tables": found.passed_over,
        "unreadable_tables": dict(found.unreadable),
        **(
            {"parted_tables": {table: each.model_dump() for table, each in found.parted.items()}}
            if found.parted
            else {}
        ),
    }


def save_certificate(work_folder: WorkFolder, document: Mapping[str, Any]) -> UPath:
    """Writes `certificate.json` into the storage, in place of an older one, and returns its path."""
    path = work_folder.certificate_path
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    write_whole(path, text, work_folder.ensure_scratch())
    return path


def read_certificate(work_folder: WorkFolder) -> dict[str, Any] | None:
    """The certificate in the storage; None where there is none.

    Raises:
        ValueError: it is damaged.
        StorageError: it cannot be read.
    """
    if (text := read_text(work_folder.certificate_path)) is None:
        return None
    found: dict[str, Any] = json.loads(text)
    if "migration_id" not in found:
        raise ValueError("no certificate of ours")
    return found


def discard_certificate(work_folder: WorkFolder, migration: str) -> None:
    """Removes the certificate of this migration, if that is there: its objects may be about to change."""
    with suppress(ValueError):  # A damaged one is none.
        found = read_certificate(work_folder)
        if found is not None and found["migration_id"] == migration:
            remove(work_folder.certificate_path)
