"""Metrics of the machine: processes, the work folder's disk, and what the server tells of itself."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.base.storage import free_bytes
from weaviate_migration.monitoring.metrics.catalogue import Family, Sample, family
from weaviate_migration.monitoring.metrics.readings import (
    folder_bytes,
    is_server_wanted,
    server_process,
    server_reading,
)
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord


def process_families(config: MigrationConfig, work_folder: WorkFolder) -> Iterator[Family]:
    """Memory and CPU: of this command, of the processes that it has started to load in, and of an embedded server."""
    command = psutil.Process()
    server = server_process(config, work_folder)
    workers = [each for each in command.children(recursive=True) if each.pid != server]
    memory = [(("command",), command.memory_info().rss), (("workers",), sum(map(_memory, workers)))]
    # Times of workers that have ended are in `children_…`, so that this counter never falls.
    own = command.cpu_times()
    ended = own.children_user + own.children_system
    cpu = [(("command",), own.user + own.system), (("workers",), ended + sum(map(_cpu, workers)))]
    if server is not None:
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(server)
            memory.append((("server",), _memory(found)))
            cpu.append((("server",), _cpu(found)))
    yield family("process_resident_memory_bytes", memory)
    yield family("process_cpu_seconds_total", cpu)


def _memory(process: psutil.Process) -> int:
    """0 for one that has ended by now."""
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def disk_families(work_folder: WorkFolder) -> Iterator[Family]:
    """What each part of the work folder takes on disk, and what is free there."""
    yield family("work_folder_bytes", [((part,), size) for part, size in folder_bytes(work_folder).items()])
    yield family("work_folder_free_bytes", [((), free_bytes(work_folder.path))])


def server_families(
    config: MigrationConfig, work_folder: WorkFolder, record: MigrationRecord | None
) -> Iterator[Family]:
    """Whether the server answers, and what it tells; nothing of an embedded one that does not run."""
    if not is_server_wanted(config, work_folder):
        return
    figures = server_reading(config, work_folder, record)
    yield family("server_up", [((), figures is not None)])
    if figures is None or record is None:
        return
    yield family("server_objects", _by_alias(record, figures.objects))
    yield family("server_queued_vectors", _by_alias(record, figures.queued_vectors))
    yield family("server_queued_objects", [((), figures.queued_objects)] if figures.queued_objects is not None else [])


def _by_alias(record: MigrationRecord, figures: Mapping[str, int]) -> list[Sample]:
    return [((alias,), figures[name]) for alias, name in record.targets.items() if name in figures]
