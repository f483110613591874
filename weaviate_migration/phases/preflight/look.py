"""Composes the preflight: all of it for an operator, and its quick items for each migration that begins."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from weaviate import WeaviateClient

from weaviate_migration.base.errors import (
    ConfigurationError,
    EmbeddingError,
    ServerNotUsableError,
    SourceError,
    StateConnectionError,
    StorageError,
    VectorCacheError,
)
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.preflight import disk_and_memory, server_side, source_side, timed_sample
from weaviate_migration.phases.preflight.embedding_cost import (
    EmbeddingCost,
    embedding,
    embedding_costs,
    made_on_this_machine,
)
from weaviate_migration.phases.preflight.server_side import TrialCollections
from weaviate_migration.phases.preflight.source_side import Source
from weaviate_migration.source.connect import readable_source, sqlite_path
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.target.schema import collections_there
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.weaviate_url import EmbeddedTarget, configured_target
from weaviate_migration.target.write import write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.storage import refuse_closed, url_of

# What no migration gets over; the others it finds itself, tells with its own words, or can live with.
IMPOSSIBLE_WITHOUT = ("work folder", "server disk", "tenants", "rights")
_SAMPLE_NEEDS = ("backup", "keys", "rights", "embedding")
_ASK_ROWS = ("work folder", "server disk", "server memory")
_ASK_SERVER = ("rights", "names", "clock", "collections", "duration")


def check_thoroughly(
    config: MigrationConfig,
    mapping: Mapping,
    connect: Callable[[], tuple[WeaviateClient, ServerAddress]],
    models: OpenModels,
    beside: Sequence[ChecklistItem],
    processes: int,
) -> Checklist:
    """All items, stored too; the caller holds the work folder's lock. A sample of each table goes the whole way.

    Args:
        connect: starts the server if it has to, and gives a client of it; ServerNotUsableError is an item that failed.
        models: that make vectors.
        beside: what others have looked at.
        processes: of this machine that would work side by side.

    Raises:
        ConfigurationError: there is no such file, or the address of the server is wrong.
        SourceError: the file is locked or damaged, so that it cannot even be opened.
    """
    work_folder, path = WorkFolder.of(config), sqlite_path(config.sqlite_url)
    with readable_source(path, work_folder.scratch) as readable:
        source = Source.of(path, inspect_database(readable, mapping), mapping)
        items = [
            *beside,
            source_side.backup(source),
            *_without_server(config, mapping, source, work_folder, processes, storage),
        ]
        costs, told = _embedding(config, source, mapping, models, work_folder.ensure_scratch())
        items += told
        try:
            client, address = connect()
        except ServerNotUsableError as error:
            items += [ChecklistItem("server", "failed", error.message, error.hint), *_unasked()]
        else:
            items += _with_server(config, mapping, client, address, work_folder)
            trial = TrialCollections.of(client, config.prefix, work_folder.path)
            items.append(_room_for_collections(mapping, client, trial, items, work_folder))
            vectors_of = partial(made_on_this_machine, models, mapping)
            embedding_seconds = sum(each.seconds or 0.0 for each in costs)
            scratch = work_folder.ensure_scratch()
            items.append(_duration(config, source, trial, items, scratch, vectors_of, embedding_seconds))
    return _stored(items, work_folder)


def check_quickly(
    config: MigrationConfig, mapping: Mapping, client: WeaviateClient, address: ServerAddress, processes: int
) -> Checklist:
    """The items that take no time, stored too; the caller is about to migrate and holds the work folder's lock.

    Args:
        processes: as of `check_thoroughly`.
    """
    work_folder = WorkFolder.of(config)
    path = sqlite_path(config.sqlite_url)
    with readable_source(path, work_folder.scratch) as readable:
        source = Source.of(path, inspect_database(readable, mapping), mapping)
        stored = ChecklistItem("storage", "passed", _told_usable(work_folder))  # Its command has begun with that.
        items = list(_without_server(config, mapping, source, work_folder, processes, lambda _: stored))
    return _stored([*items, *_with_server(config, mapping, client, address, work_folder)], work_folder)


def refuse_impossible(checklist: Checklist) -> None:
    """Raises ConfigurationError where an item failed that no migration gets over; all such items are named."""
    hopeless = [each for each in checklist.having("failed") if each.name in IMPOSSIBLE_WITHOUT]
    if hopeless:
        raise ConfigurationError(
            "; ".join(f"{each.name}: {each.figure}" for each in hopeless),
            " ".join(dict.fromkeys(each.remedy for each in hopeless)),
        )


def _without_server(
    config: MigrationConfig,
    mapping: Mapping,
    source: Source,
    work_folder: WorkFolder,
    processes: int,
    try_storage: Callable[[WorkFolder], ChecklistItem],
) -> Iterator[ChecklistItem]:
    target = configured_target(config)
    data = target.data_folder(work_folder.path) if isinstance(target, EmbeddedTarget) else None
    yield source_side.pause(source.look, allowed=config.allow_pause)
    yield source_side.tables(source.other_tables, mapping)
    if mapping.variables:
        yield server_side.keys(mapping)
    yield source_side.capture(source, live=config.live)
    elsewhere, scratch = bool(work_folder.storage), work_folder.ensure_scratch()
    partitions = work_folder.records.partitions(config.partitions)
    try:
        need = disk_and_memory.Need.of(source, config, partitions, processes, scratch, storage_elsewhere=elsewhere)
    except SourceError as error:
        for name in _ASK_ROWS:
            yield ChecklistItem(name, "skipped", f"no rows can be read: {error.message}")
        return
    if elsewhere:
        yield try_storage(work_folder)
    yield from disk_and_memory.disks(need, work_folder.path, data)
    yield disk_and_memory.memory(need, embedded=data is not None)
    yield from disk_and_memory.open_files(need, embedded=data is not None)


def storage(work_folder: WorkFolder) -> ChecklistItem:
    """Whether the storage that is named can be reached, and written to."""
    try:
        refuse_closed(work_folder.files, work_folder.ensure_scratch())
    except ConfigurationError as error:
        return ChecklistItem("storage", "failed", error.message, error.hint)
    return ChecklistItem("storage", "passed", _told_usable(work_folder))


def _told_usable(work_folder: WorkFolder) -> str:
    return f"{url_of(work_folder.files)} can be written to, and read"


def _with_server(
    config: MigrationConfig, mapping: Mapping, client: WeaviateClient, address: ServerAddress, work_folder: WorkFolder
) -> Iterator[ChecklistItem]:
    trial = TrialCollections.of(client, config.prefix, work_folder.path)
    yield server_side.server(client, address)
    yield server_side.rights(trial, mapping)
    yield server_side.names(client, (f"{config.prefix}{each.name}" for each in mapping.collections))
    yield server_side.clock(client, address)


def _unasked() -> Iterator[ChecklistItem]:
    return (ChecklistItem(name, "skipped", "there is no server to ask") for name in _ASK_SERVER)


def _room_for_collections(
    mapping: Mapping,
    client: WeaviateClient,
    trial: TrialCollections,
    before: Iterable[ChecklistItem],
    work_folder: WorkFolder,
) -> ChecklistItem:
    if any(each.verdict == "failed" for each in before if each.name == "rights"):
        return ChecklistItem("collections", "skipped", "no collection can be made: see rights")
    begun = work_folder.records.unfinished()
    there = collections_there(client, begun.targets.values()) if begun else set[str]()
    missing = [each for each in mapping.collections if begun is None or begun.collection(each) not in there]
    return server_side.room_for_collections(trial, missing)


def _duration(
    config: MigrationConfig,
    source: Source,
    trial: TrialCollections,
    before: Iterable[ChecklistItem],
    scratch: Path,
    vectors_of: timed_sample.VectorsOf,
    embedding_seconds: float,
) -> ChecklistItem:
    missing = [each.name for each in before if each.verdict == "failed" and each.name in _SAMPLE_NEEDS]
    if missing:
        return ChecklistItem("duration", "skipped", f"no sample can be taken: see {' and '.join(missing)}")
    settings = write_settings(config, trial.client)
    return timed_sample.duration(source, trial, settings, scratch, vectors_of, embedding_seconds)


_NOT_EMBEDDED = (
    *(ConfigurationError, EmbeddingError, SourceError),
    *(StateConnectionError, StorageError, VectorCacheError),
)


def _embedding(
    config: MigrationConfig, source: Source, mapping: Mapping, models: OpenModels, scratch: Path
) -> tuple[list[EmbeddingCost], list[ChecklistItem]]:
    """Nothing is said where no model makes vectors."""
    if not mapping.makes_vectors:
        return [], []
    embedder_of = partial(models.embedder, mapping)
    try:
        costs = embedding_costs(source.path, source.readable, mapping, source.plan, embedder_of, scratch)
    except _NOT_EMBEDDED as error:
        return [], [ChecklistItem("embedding", "failed", error.message, error.hint)]
    return costs, [embedding(costs, config.max_embedding_calls)]


def _stored(items: Iterable[ChecklistItem], work_folder: WorkFolder) -> Checklist:
    checklist = Checklist.of("preflight", items)
    checklist.save(work_folder.store)
    return checklist
