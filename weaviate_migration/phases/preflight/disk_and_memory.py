"""The items that are about disks and memory: what a migration would take, and what is there."""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from weaviate_migration.base.settings import MigrationConfig, sort_memory_mb
from weaviate_migration.base.storage import free_bytes, nearest_existing
from weaviate_migration.base.texts import size_text
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.vectors import vector_reader
from weaviate_migration.phases.preflight.room import table_room
from weaviate_migration.phases.preflight.source_side import Source
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import quoted, row_count
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.work_folder.checklist import ChecklistItem, Verdict

# Measured on the demo file (6.4 MB, 8,365 rows): the server's data are 3.5 times as large as it.
SERVER_SHARE = 4.0
# An embedded server on the demo's collections takes 143 MB (measured).
SERVER_BASE_BYTES = 200_000_000
# Vectors in memory take twice their float32s: https://docs.weaviate.io/weaviate/concepts/resources
BYTES_PER_DIMENSION = 2 * 4
# What a tenant with objects takes in each of its collections (measured on 1.39.0): open files, and one more for each
# index; memory, with 2,000 tenants of ten objects and four properties each.
OPEN_FILES_PER_TENANT = 4
BYTES_PER_TENANT = 250_000
# With less than twice the estimate a data set that is unlike the demo may not fit.
TIGHT = 2.0

_DISK_REMEDY = "Make room there, or name a folder on another disk with {option}."


@dataclass(frozen=True)
class Need:
    """What a migration takes, estimated; in bytes.

    Attributes:
        work_folder: snapshot and extracts, and what is on disk while they are sorted.
        server_disk, server_memory: of the server.
        tenants: of all collections; one counts in each of them.
        open_files: that the server holds for the tenants.
    """

    work_folder: int
    server_disk: int
    server_memory: int
    tenants: int = 0
    open_files: int = 0

    @classmethod
    def of(
        cls,
        source: Source,
        config: MigrationConfig,
        partitions: int,
        processes: int,
        scratch: Path,
        *,
        storage_elsewhere: bool,
    ) -> "Need":
        """The estimate for this file.

        Args:
            config: how rows are sorted.
            partitions: into how many files each extract is cut.
            processes: of this machine that sort side by side, a table each.
            scratch: a folder for what SQLite puts on disk meanwhile.
            storage_elsewhere: extracts are kept on another disk or machine, which is not looked at; of the snapshot
                this machine keeps a copy all the same.

        Raises:
            SourceError: the file is locked or damaged.
        """
        size = source.look.bytes
        memory = sort_memory_mb(config.memory_limit_mb)
        rooms = [table_room(source, each, partitions, memory, scratch) for each in source.plan.collections]
        extracts = 0 if storage_elsewhere else sum(each.extracts for each in rooms)
        sorting = sum(sorted((each.sorting for each in rooms), reverse=True)[:processes])
        vectors = sum(_vector_bytes(source, each) for each in source.plan.collections)
        tenants = [(each.mapping, _tenants(source, each)) for each in source.plan.collections]
        in_all = sum(count for _, count in tenants)
        return cls(
            work_folder=size + extracts + sorting,
            server_disk=round(SERVER_SHARE * size),
            server_memory=SERVER_BASE_BYTES + vectors + BYTES_PER_TENANT * in_all,
            tenants=in_all,
            open_files=sum(count * open_files_per_tenant(mapping) for mapping, count in tenants),
        )


def open_files_per_tenant(mapping: CollectionMapping) -> int:
    """How many files the server holds open for one tenant of a collection: each index has one."""
    indexed = [each for each in (*mapping.properties, *mapping.parent_properties) if each.is_indexed]
    found = OPEN_FILES_PER_TENANT + len(indexed)
    if mapping.index_null_state:
        found += len(indexed)
    if mapping.index_property_length:
        found += sum(each.type == "text" or each.type.endswith("[]") for each in indexed)
    if mapping.index_timestamps is not False:
        found += 2  # When an object was made, and when it was changed.
    return found


def _tenants(source: Source, plan: CollectionPlan) -> int:
    """How many values name tenants: as many as there are tenants, but for values that are equal or share a name."""
    if plan.table is None or plan.tenant is None:
        return 0
    with source_errors(source.path), closing(connect_to_read(source.readable)) as connection:
        values = f"SELECT DISTINCT {quoted(plan.tenant)} COLLATE BINARY FROM {plan.table.from_sql}"
        return int(connection.execute(f"SELECT count(*) FROM ({values})").fetchone()[0])


def _vector_bytes(source: Source, plan: CollectionPlan) -> int:
    """Memory for the vectors that come from columns; of an application's own vectors nothing is known."""
    if plan.table is None or not plan.mapping.column_vectors:
        return 0
    with source_errors(source.path), closing(connect_to_read(source.readable)) as connection:
        table = plan.table.from_sql
        rows = row_count(connection, plan.table)
        dimensions = 0
        for vector in plan.mapping.vectors:
            if (column := vector.column) is not None and column in plan.columns:
                statement = f"SELECT {quoted(column)} FROM {table} WHERE {quoted(column)} IS NOT NULL LIMIT 1"
                found = connection.execute(statement).fetchone()
                dimensions += len((found and vector_reader(vector)(found[0])) or ())
    return rows * dimensions * BYTES_PER_DIMENSION


def disks(
    need: Need, work_dir: Path, server_data: Path | None, free_bytes: Callable[[Path], int] = free_bytes
) -> Iterator[ChecklistItem]:
    """Room in the work folder, and on the server's disk; both together where they are on one.

    Args:
        work_dir: must be there.
        server_data: an embedded server's data folder; None for a server that is not ours.
        free_bytes: tells what is free on a folder's disk, in bytes.
    """
    if server_data is None:
        yield _room("work folder", need.work_folder, free_bytes(work_dir), _DISK_REMEDY.format(option="--work-dir"))
        told = f"the server does not tell; it needs about {size_text(need.server_disk)} for the collections"
        yield ChecklistItem("server disk", "skipped", told)
        return
    shared = _device(server_data) == _device(work_dir)
    together = need.work_folder + (need.server_disk if shared else 0)
    yield _room("work folder", together, free_bytes(work_dir), _DISK_REMEDY.format(option="--work-dir"))
    if shared:
        yield ChecklistItem("server disk", "passed", f"{size_text(need.server_disk)}, counted in the work folder")
    else:
        remedy = _DISK_REMEDY.format(option="--weaviate-url embedded:DIR")
        yield _room("server disk", need.server_disk, free_bytes(server_data), remedy)


def memory(need: Need, *, embedded: bool, available_bytes: int | None = None) -> ChecklistItem:
    """Memory for the server's vectors and itself.

    Args:
        available_bytes: on this machine; None: it is asked.
    """
    if not embedded:
        told = f"the server does not tell; it needs about {size_text(need.server_memory)} for itself and the vectors"
        return ChecklistItem("server memory", "skipped", told)
    available = psutil.virtual_memory().available if available_bytes is None else available_bytes
    return _room("server memory", need.server_memory, available, "Use a server on a machine with more memory.")


def open_files(need: Need, *, embedded: bool, limit: int | None = None) -> Iterator[ChecklistItem]:
    """Whether the server may hold as many files open as the tenants need; nothing is said where there are none.

    Args:
        limit: of an embedded server; None: it is asked.
    """
    if not need.tenants:
        return
    needed = f"{need.tenants:,} tenants need about {need.open_files:,} open files"
    if not embedded:
        yield ChecklistItem("tenants", "skipped", f"{needed}; the server does not tell its limit (`ulimit -n`)")
        return
    allowed = _most_open_files() if limit is None else limit
    verdict: Verdict = "passed"
    if need.open_files * TIGHT > allowed:
        verdict = "failed" if need.open_files > allowed else "warned"
    remedy = "" if verdict == "passed" else "Raise the limit (`ulimit -n`), or put tenants together in the mapping."
    yield ChecklistItem("tenants", verdict, f"{needed}; the server may have {allowed:,}", remedy)


def _most_open_files() -> int:
    """What a process of this machine may have open: Go raises its own limit to the hard one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if most == resource.RLIM_INFINITY else most


def _room(name: str, needed: int, free: int, remedy: str) -> ChecklistItem:
    figure = f"about {size_text(needed)} needed, {size_text(free)} free"
    if free < needed:
        return ChecklistItem(name, "failed", figure, remedy)
    if free < TIGHT * needed:
        return ChecklistItem(name, "warned", f"{figure}: tight", remedy)
    return ChecklistItem(name, "passed", figure)


def _device(folder: Path) -> int:
    return nearest_existing(folder).stat().st_dev
