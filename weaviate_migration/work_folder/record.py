"""The migration's record: id, source, mapping, snapshot, bounds of the partitions, collections, state.

One document of the store for each migration, replaced as a whole: it is either the old one or the new one, whenever the
process is killed.
"""

import secrets
from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator
from structlog.contextvars import bind_contextvars
from upath import UPath

from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, partition_keys
from weaviate_migration.base.settings import environment_variable
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.validated_model import later
from weaviate_migration.source.connect import sqlite_path
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.source.other_tables import OtherTables
from weaviate_migration.work_folder.mappings import KeptMappings
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.storage import stored_path, url_of

State = Literal["unfinished", "cut over", "rolled back", "discarded", "cleaned up"]
CutoverStep = Literal["begun", "applied", "compared", "switching", "switched", "undone"]


_KIND = "migration"

# The epoch of a position that nobody knows to be complete: before any epoch of a capture.
NOTHING_COMPARED = 0


class SnapshotRecord(BaseModel):
    """The snapshot that the extracts read: path, SHA-256 (hex), size, and when it was complete.

    Attributes:
        path: on this machine, or in a storage elsewhere; `WorkFolder.local_snapshot` is the one to read.
        captured: where the change log in it ends; None where changes were not captured.
        other_tables: the tables in it that no collection is made from; None where an older version took it.
        remarks: what SQLite's check says of rows that are not as their table declares; '' for nothing.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    path: Annotated[UPath, PlainValidator(stored_path), PlainSerializer(url_of)]
    sha256: str
    bytes: int
    taken_at: datetime
    captured: LogPosition | None = None
    other_tables: OtherTables | None = later(None)
    remarks: str = later("")


class CutoverRecord(BaseModel):
    """The journal of a cutover: each step is written down before the next one is taken.

    Attributes:
        step: the last one: begun; the changes applied, and compared, up to the position; the aliases being switched;
            switched; or a switch that was broken off undone.
        position: the newest in the change log when it began; None where the source's changes are not followed.
        reached: when each step was, in UTC.
    """

    model_config = ConfigDict(frozen=True)

    step: CutoverStep
    position: int | None = None
    reached: ReadOnlyMapping[CutoverStep, datetime] = {}

    def at(self, step: CutoverStep) -> "CutoverRecord":
        """The journal with this step; one that is taken again keeps its first time."""
        now = datetime.now(UTC)
        return self.model_copy(update={"step": step, "reached": {**self.reached, step: self.reached.get(step, now)}})

    @property
    def switch_seconds(self) -> float | None:
        """How long the switch of the aliases took; None where it has not ended."""
        if self.step != "switched":
            return None
        return (self.reached["switched"] - self.reached["switching"]).total_seconds()


class MigrationRecord(BaseModel):
    """One migration.

    Attributes:
        id: its UTC start and a random part, `20261122T093015_4f2a9c1e`; part of the names of its collections.
        number: its place among the migrations of the work folder, from 1, whatever the clock says; 0 where an older
            version began it: those come before all others, in the order of their ids.
        source: absolute path of the SQLite file.
        prefix: stands before the names of its collections and aliases.
        work_folder: the random id of the folder that it is on record in: its collections say it, too, so that nobody
            takes another folder's for his own. '' where an older version began it.
        collection_names: as the mapping had them when it began; a mapping may change, what was made stays.
        replicas: on how many nodes the objects of a collection are kept, by its own name; only where on several.
        model_digests: of the models that make vectors, by the collection's name and the vector's: what they were when
            it began.
        partitions: into how many ranges each table is cut, from its beginning to its end.
        bounds: for each mapped table, the UUIDs between its partitions (from the first snapshot).
        cutover: how far the last cutover got; None before the first.
        previous_aliases: where each alias pointed before the cutover (None: it did not exist).
    """

    model_config = ConfigDict(frozen=True)

    id: str
    number: int = later(0)
    began_at: datetime
    source: Path
    mapping_name: str
    mapping_digest: str
    prefix: str = ""
    work_folder: str = later("")
    collection_names: tuple[str, ...]
    replicas: ReadOnlyMapping[str, int] = later({})
    model_digests: ReadOnlyMapping[str, ReadOnlyMapping[str, str]] = later({})
    state: State = "unfinished"
    snapshot: SnapshotRecord | None = None
    partitions: int = later(DEFAULT_PARTITIONS)
    bounds: ReadOnlyMapping[str, tuple[str, ...]] = {}
    cutover: CutoverRecord | None = None
    previous_aliases: ReadOnlyMapping[str, str | None] = {}

    @property
    def timestamp(self) -> str:
        """When the migration began, RFC 3339: the `migration_timestamp` of all its objects."""
        return self.began_at.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The keys of its partitions, ascending."""
        return partition_keys(self.partitions)

    @property
    def passed_over(self) -> dict[str, int]:
        """Rows of the snapshot that go nowhere though the mapping does not say so, by table."""
        others = self.snapshot.other_tables if self.snapshot else None
        return others.passed_over if others else {}

    @property
    def parted_tables(self) -> dict[str, str]:
        """What of a table's rows is in none of its collections, or in several, though nobody said so, by table."""
        others = self.snapshot.other_tables if self.snapshot else None
        return {table: each.told for table, each in others.parted.items() if each.told} if others else {}

    @property
    def was_cut_over(self) -> bool:
        """Whether readers were switched to its collections, and not back; it may be cleaned up since."""
        return self.state in ("cut over", "cleaned up")

    @property
    def is_half_switched(self) -> bool:
        """Whether a cutover was broken off while it moved the aliases."""
        return self.state == "unfinished" and self.cutover is not None and self.cutover.step == "switching"

    @property
    def targets(self) -> dict[str, str]:
        """For each alias this migration's own version of the collection."""
        aliases = [f"{self.prefix}{name}" for name in self.collection_names]
        return {alias: f"{alias}_{self.id}" for alias in aliases}

    def alias(self, collection: CollectionMapping) -> str:
        """The name by which readers know the collection."""
        return f"{self.prefix}{collection.name}"

    def collection(self, collection: CollectionMapping) -> str:
        """The name of this migration's own version of the collection."""
        return self.targets[self.alias(collection)]

    def models_of(self, collection: CollectionMapping) -> ReadOnlyMapping[str, str]:
        """The digests of the models that make a collection's vectors, by vector."""
        return self.model_digests.get(collection.name, {})

    def reference_targets(self, collection: CollectionMapping) -> dict[str, str]:
        """For each reference of a collection this migration's own version of the collection that it leads to."""
        return {name: self.targets[f"{self.prefix}{to}"] for name, to in collection.references.items()}


class MigrationRecords:
    """All records of one store.

    Args:
        place: where the store is, for messages.
        mappings: what the migrations are begun with.
    """

    def __init__(self, store: StateStore, place: str, mappings: KeptMappings) -> None:
        self._store = store
        self._place = place
        self._mappings = mappings

    def all(self) -> list[MigrationRecord]:
        """Every migration on record, oldest first: in the order in which they were begun, not as a clock says."""
        found = map(MigrationRecord.model_validate_json, self._store.all(_KIND).values())
        return sorted(found, key=lambda each: (each.number, each.id))

    def newest(self) -> MigrationRecord | None:
        """The migration that was begun last, whatever became of it; None where none was ever begun."""
        return next(iter(reversed(self.all())), None)

    def unfinished(self) -> MigrationRecord | None:
        """The migration that the next `migrate` goes on with."""
        return next((each for each in reversed(self.all()) if each.state == "unfinished"), None)

    def current(self) -> MigrationRecord:
        """The migration that a materialization belongs to: the unfinished one, or else the one cut over last.

        Raises:
            ConfigurationError: there is none.
        """
        if (found := self.newest_in_use()) is None:
            others = ", ".join(f"{each.id} ({each.state})" for each in self.all())
            raise ConfigurationError(
                f"No migration in {self._place} is unfinished or cut over; on record are {others}."
                if others
                else f"No migration is on record in {self._place}.",
                "`weaviate-migration migrate` begins one (in Dagster's UI: `weaviate_schema`).",
            )
        return found

    def take_up(self, partitions: int | None = None) -> MigrationRecord:
        """The current migration, for work on it: from here on each log record of this context says that it is about it.

        Args:
            partitions: as many as whoever works on some of them knows; None: he needs not know.

        Raises:
            ConfigurationError: there is none.
            MigrationConflictError: the migration has another number of partitions.
        """
        found = self.current()
        refuse_other_partitions(found, partitions)
        bind_contextvars(migration_id=found.id)
        return found

    def newest_in_use(self) -> MigrationRecord | None:
        """The unfinished migration, or else the one whose collections readers have; None where there is neither."""
        return self.unfinished() or next((each for each in reversed(self.all()) if each.was_cut_over), None)

    def in_use_or_newest(self) -> MigrationRecord | None:
        """The one in use, or else the newest of those that are not; None where none was ever begun."""
        return self.newest_in_use() or self.newest()

    def partitions(self, named: int | None) -> int:
        """How many partitions a command works with.

        Args:
            named: what the settings name; None: as many as the migration in use has, or the newest one, or else 16.
        """
        if named is not None:
            return named
        found = self.in_use_or_newest()
        return found.partitions if found is not None else DEFAULT_PARTITIONS

    def resume_or_begin(
        self,
        source: Path,
        mapping: Mapping,
        prefix: str,
        model_digests: ReadOnlyMapping[str, ReadOnlyMapping[str, str]] = MappingProxyType({}),
        partitions: int | None = None,
    ) -> MigrationRecord:
        """The unfinished migration, or a new one, on record with its mapping; what is logged from here on says which.

        Args:
            source: the SQLite file.
            mapping: what becomes what.
            prefix: stands before the names of collections and aliases.
            model_digests: of the models as they are now; a new migration keeps them.
            partitions: into how many ranges each table is cut; None: what `partitions` says.

        Raises:
            MigrationConflictError: the unfinished one is of another source, mapping or prefix, or is cut otherwise.
        """
        if (found := self.unfinished()) is not None:
            refuse_another_migration(found, source, mapping, prefix, partitions)
        with self._store.transaction():  # A record without its mapping would need it to be named.
            self._mappings.keep(mapping)
            if found is None:
                found = self._begin(source, mapping, prefix, model_digests, self.partitions(partitions))
        bind_contextvars(migration_id=found.id)
        return found

    def save(self, record: MigrationRecord) -> MigrationRecord:
        """Keeps the record, all of it or not at all, and returns it."""
        self._store.write(_KIND, record.id, record.model_dump_json())
        return record

    def update(self, record: MigrationRecord, **changes: object) -> MigrationRecord:
        """Saves the record with these fields changed, and returns it."""
        return self.save(record.model_copy(update=changes))

    @contextmanager
    def updated_after(self, record: MigrationRecord, **changes: object) -> Iterator[None]:
        """Has room for the record with these fields changed before what is done inside, and saves it after it.

        So nothing is done that could not be written down; after an error the record is as it was.

        Raises:
            StorageError: there is no room for it; nothing inside was done.
        """
        changed = record.model_copy(update=changes)
        with self._store.room_for(changed.model_dump_json()):
            yield
        self.save(changed)

    def _begin(
        self,
        source: Path,
        mapping: Mapping,
        prefix: str,
        model_digests: ReadOnlyMapping[str, ReadOnlyMapping[str, str]],
        partitions: int,
    ) -> MigrationRecord:
        began_at = datetime.now(UTC).replace(microsecond=0)
        before = self.all()
        return self.save(
            MigrationRecord(
                # Two that begin in the same second, in two work folders, must not write into one collection.
                id=f"{began_at:%Y%m%dT%H%M%S}_{secrets.token_hex(4)}",
                number=before[-1].number + 1 if before else 1,
                began_at=began_at,
                source=source,
                mapping_name=mapping.name,
                mapping_digest=mapping.digest,
                prefix=prefix,
                work_folder=next((each.work_folder for each in before if each.work_folder), secrets.token_hex(16)),
                collection_names=tuple(each.name for each in mapping.collections),
                model_digests=model_digests,
                partitions=partitions,
            )
        )


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes the records of an older version into the store; returns their files."""
    files = list(folder.glob("migrations/*.json"))
    for each in files:
        store.write(_KIND, each.stem, each.read_text(encoding="utf-8"))
    return files


def refuse_another_mapping(record: MigrationRecord, mapping: Mapping, *, is_kept: bool = False) -> None:
    """Raises MigrationConflictError where the migration was begun with a mapping that says something else.

    Args:
        is_kept: whether its own is in the work folder.
    """
    if mapping.digest == record.mapping_digest:
        return
    leave_out = f"Leave out --mapping (and {environment_variable('mapping')}): the migration's own is on record"
    begin = (
        "begin again: `weaviate-migration rollback --discard`"
        if record.state == "unfinished"
        else "begin another migration: `weaviate-migration migrate`"
    )
    raise MigrationConflictError(
        f"Migration {record.id} was begun with another mapping ({record.mapping_digest[:12]}) than this "
        f"({mapping.digest[:12]}).",
        f"{leave_out if is_kept else 'Give its own with --mapping'}; to use this one, {begin}.",
    )


def refuse_another_source(record: MigrationRecord, sqlite_url: str) -> None:
    """Raises MigrationConflictError where the settings name another SQLite file than the migration's; '' names none."""
    if sqlite_url and (named := sqlite_path(sqlite_url)).resolve() != record.source.resolve():
        raise MigrationConflictError(
            f"Migration {record.id} is of {record.source}, and not of {named.absolute()}.",
            f"Leave out --sqlite-url (and {environment_variable('sqlite_url')}), or name the work folder of the other "
            "file's migration with --work-dir.",
        )


def refuse_another_prefix(record: MigrationRecord, prefix: str) -> None:
    """Raises MigrationConflictError where the settings name another prefix than the migration's; '' names none."""
    if prefix not in ("", record.prefix):
        raise MigrationConflictError(
            f"Migration {record.id} was begun with the prefix {record.prefix!r}, and not with {prefix!r}.",
            f"Leave out --prefix (and {environment_variable('prefix')}), or name the work folder of the other "
            "migration with --work-dir.",
        )


def refuse_other_partitions(record: MigrationRecord, partitions: int | None) -> None:
    """Raises MigrationConflictError where another number of partitions is named than the migration has.

    Args:
        partitions: what settings or definitions name; None: nothing.
    """
    if partitions not in (None, record.partitions):
        raise MigrationConflictError(
            f"Migration {record.id} has {record.partitions} partitions for its life, and not {partitions}.",
            f"Leave out --partitions (and {environment_variable('partitions')}); in Dagster's UI, reload the code "
            "location, which was loaded before the migration began.",
        )


def refuse_another_tenant(record: MigrationRecord, mapping: Mapping, tenant: str | None) -> None:
    """Raises MigrationConflictError where the settings name a tenant, and the migration is not of that one alone.

    Args:
        mapping: the migration's own.
    """
    own = {each.tenant.only if each.tenant is not None else None for each in mapping.collections}
    if tenant is not None and own != {tenant}:
        raise MigrationConflictError(
            f"Migration {record.id} is not of the tenant `{tenant}` alone.",
            f"Leave out --tenant (and {environment_variable('tenant')}), or name the work folder of that tenant's "
            "migration with --work-dir.",
        )


def refuse_another_migration(
    unfinished: MigrationRecord, source: Path, mapping: Mapping, prefix: str, partitions: int | None
) -> None:
    """Raises MigrationConflictError where the unfinished migration is not the one asked for, naming what differs.

    Args:
        partitions: how many are asked for; None: as many as it has.
    """
    compared = {
        "source": (str(unfinished.source), str(source)),
        "mapping": (unfinished.mapping_digest[:12], mapping.digest[:12]),
        "prefix": (repr(unfinished.prefix), repr(prefix)),
        "number of partitions": (str(unfinished.partitions), str(partitions or unfinished.partitions)),
    }
    differing = [f"{what} {was}, now {now}" for what, (was, now) in compared.items() if was != now]
    if differing:
        raise MigrationConflictError(
            f"Migration {unfinished.id} is unfinished, and was begun with another {'; '.join(differing)}.",
            "Finish it with its own options, remove it with `weaviate-migration rollback --discard`, or take another "
            "--work-dir.",
        )
