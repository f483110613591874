"""The data path without Dagster: rows into a SQLite file, its extract, one load of it into a collection."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import weaviate
from upath import UPath
from weaviate.collections import Collection

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.changes import Changes, CollectionChanges
from weaviate_migration.phases.history.extract.partitions import partition_range
from weaviate_migration.phases.history.extract.scan import scan_partitions, table_bounds
from weaviate_migration.phases.history.extract.storage import PartitionExtract, open_partition, write_partition
from weaviate_migration.phases.history.extract.storage_classes import RowLayout
from weaviate_migration.phases.history.load import PartitionLoad
from weaviate_migration.phases.validation.collection_proof import CollectionProof
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.phases.validation.samples import SampleComparison, compare_sample
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.target.message_size import MESSAGE_BYTES
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.target.write import WriteSettings
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import LoadTally, total
from weaviate_migration.work_folder.loaded import LoadedPartitions
from weaviate_migration.work_folder.progress import KeptProgress
from weaviate_migration.work_folder.quarantine import Quarantine
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.strategies import COLUMNS, EVERY_TYPE

BEGAN = "2026-11-22T09:30:15Z"
MIGRATION = "20261122T093015"
NAME = f"Note_{MIGRATION}"
# The table declares no key, so that NULLs and duplicates can be in it; the mapping names it.
NOTES = EVERY_TYPE.model_copy(update={"key": ("id",)})


def row(key: SqlValue, **values: SqlValue) -> tuple[SqlValue, ...]:
    """A row of the table: this key, these values, NULL everywhere else."""
    assert set(values) <= set(COLUMNS)
    return tuple({"id": key, **values}.get(column) for column in COLUMNS)


# Rows with a value for each type of property.
FULL_NOTES = [
    row(
        f"key {number}",
        body="text of the note",
        tags='["a", "b"]',
        size=7,
        score=0.5,
        done=1,
        at="2026-01-02 03:04:05",
        document='{"a": "member", "b": ["x"]}',
        title="",
        unmapped=b"\x00\xff",
        ident="00000000-0000-4000-8000-00000000000a",
        counts="[1, 2]",
        scores="[0.5, 1.0]",
        flags="[true, false]",
        moments='["2026-01-02 03:04:05"]',
        picture=b"\x00\xff",
    )
    for number in range(40)
]


def not_followed(folder: Path, record: MigrationRecord) -> CollectionChanges:
    """Of a migration whose source does not change, or whose changes nobody follows."""
    return CollectionChanges(WorkFolder(folder), NAME, None, None, record)


def make_database(path: Path, rows: Iterable[Sequence[SqlValue]]) -> Path:
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in COLUMNS)
    # Text that is not UTF-8 gets into SQLite as a blob that is cast.
    places = ", ".join("CASE WHEN ? THEN CAST(? AS TEXT) ELSE ? END" for _ in COLUMNS)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE notes ({columns})")
        connection.executemany(f"INSERT INTO notes VALUES ({places})", (_arguments(each) for each in rows))
    return path


def _arguments(values: Sequence[SqlValue]) -> list[SqlValue]:
    arguments: list[SqlValue] = []
    for value in values:
        as_bytes = value.encode(errors="surrogateescape") if isinstance(value, str) else None
        arguments += [isinstance(value, str), as_bytes, None if isinstance(value, str) else value]
    return arguments


@dataclass
class SmallMigration:
    """One table on its way to one collection, in a folder of its own."""

    folder: Path
    client: weaviate.WeaviateClient
    mapping: CollectionMapping = NOTES
    extracts: dict[str, PartitionExtract] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()

    @classmethod
    def begin(
        cls,
        folder: Path,
        client: weaviate.WeaviateClient,
        rows: Iterable[Sequence[SqlValue]],
        mapping: CollectionMapping = NOTES,
    ) -> "SmallMigration":
        """Of a table of notes with these rows."""
        migration = cls(folder, client, mapping)
        migration.extract(rows)
        return migration

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ensure_collection(self.client, NAME, self.mapping, Origin(MIGRATION, "/data/app.db", "digest"))
        self.collection: Collection[Any, Any] = self.client.collections.use(NAME)

    def extract(self, rows: Iterable[Sequence[SqlValue]]) -> None:
        """A snapshot with these rows, and its extract."""
        database = self.folder / "snapshot.sqlite"
        database.unlink(missing_ok=True)
        self.extract_file(make_database(database, rows))

    def extract_file(self, database: Path) -> None:
        """The extract of the mapped table of this snapshot; the bounds of the first one stay."""
        whole = Mapping(name="test", missing="warn", collections=(self.mapping,))
        plan = plan_migration(whole, inspect_database(database, whole)).collections[0]
        self.bounds = self.bounds or table_bounds(database, plan, DEFAULT_PARTITIONS, 4, self.folder)
        for stream in scan_partitions(database, plan, self.bounds, PARTITION_KEYS, 4, self.folder):
            path = self._path(stream.partition)
            write_partition(path, stream.batches)
            self.extracts[stream.partition] = open_partition(path)

    @property
    def ranges(self) -> dict[str, UuidRange]:
        return {partition: partition_range(self.bounds, partition) for partition in PARTITION_KEYS}

    @property
    def quarantine(self) -> Quarantine:
        return WorkFolder(self.folder).quarantine_of(NAME)

    def load(
        self,
        partitions: Sequence[str] = PARTITION_KEYS,
        max_object_bytes: int = MESSAGE_BYTES,
        *,
        has_readers: bool = True,
    ) -> LoadTally:
        """Loads these partitions; what became of all of them together."""
        extracts = {partition: self.extracts[partition] for partition in partitions}
        rows = sum(each.rows for each in extracts.values())
        with self.quarantine as quarantine:
            tallies = PartitionLoad(
                collection=self.collection,
                extracts=extracts,
                ranges={partition: self.ranges[partition] for partition in partitions},
                mapping=self.mapping,
                migration_timestamp=BEGAN,
                settings=WriteSettings(100, MESSAGE_BYTES, max_object_bytes, 2, 0, 0.0),
                quarantine=quarantine,
                progress=KeptProgress(StateStore.of(self.folder), "Note", rows),
                changes=Changes(),
                loaded=LoadedPartitions(StateStore.of(self.folder), NAME, ""),
                has_readers=has_readers,
            ).run()
        assert list(tallies) == list(partitions)
        return total(tallies.values())

    @property
    def comparer(self) -> RowComparer:
        return RowComparer(self.mapping, RowLayout.of_schema(self.extracts["00"].schema), BEGAN)

    def compare(self, size: int = 10_000, seed: int = 7) -> SampleComparison:
        return compare_sample(self.comparer, "Note", self.extracts, self.collection, size, seed, lambda _: False)

    @property
    def proof(self) -> CollectionProof:
        """The full comparison, as `every_object` makes it."""
        record = MigrationRecord(
            id=MIGRATION,
            began_at=datetime.fromisoformat(BEGAN),
            source=Path("/data/app.db"),
            mapping_name="test",
            mapping_digest="digest",
            collection_names=("Note",),
            bounds={self.mapping.rows_of: self.bounds},
        )
        extracts = {key: self._path(key) for key in self.extracts}
        return CollectionProof(self.mapping, record, extracts, self.client, not_followed(self.folder, record))

    def compare_all(self) -> list[PartitionComparison]:
        """The full comparison of every partition."""
        return list(self.proof.compare_partitions(PARTITION_KEYS))

    def count(self) -> int:
        return self.collection.aggregate.over_all(total_count=True).total_count or 0

    def _path(self, partition: str) -> UPath:
        return UPath(self.folder / f"{partition}.parquet")
