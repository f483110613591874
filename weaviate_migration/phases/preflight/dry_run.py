"""Everything but writing to Weaviate: snapshot, extract, convert every row, and say what would be refused."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from upath import UPath

from weaviate_migration.base.partitions import partition_keys
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.row_to_object import Vectors, key_text, row_converter
from weaviate_migration.phases.history.extract.refusals import judged_rows
from weaviate_migration.phases.history.extract.scan import row_layout, scan_partitions, table_bounds
from weaviate_migration.phases.history.extract.storage import open_partition, write_partition
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, plan_migration
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration.target.message_size import MESSAGE_BYTES, estimated_size, too_large

# The first of them are named, the others only counted.
EXAMPLES = 3


@dataclass(frozen=True)
class DryRunOutcome:
    """What would become of one table's rows.

    Attributes:
        refused: rows that could not be written; `examples` has the keys of the first, each with the reason.
        bytes: what the objects would take in requests, about.
    """

    collection: str
    table: str
    rows: int
    would_write: int
    refused: int
    bytes: int
    examples: tuple[str, ...]


def rehearse(
    source: Path,
    mapping: Mapping,
    scratch: Path,
    partitions: int,
    sort_memory_mb: int,
    allow_pause: bool,
    say: Callable[[str], None],
) -> list[DryRunOutcome]:
    """Does the whole way of the data up to the server, in a folder of its own that is removed afterwards."""
    with TemporaryDirectory(dir=scratch, prefix="dry-run-") as folder:
        snapshot = Path(folder) / "snapshot.sqlite"
        take_snapshot(source, snapshot, allow_pause=allow_pause, say=say, scratch=Path(folder))
        plan = plan_migration(mapping, inspect_database(snapshot, mapping))
        return [
            _rehearse_collection(each, snapshot, Path(folder), partitions, sort_memory_mb) for each in plan.collections
        ]


def _rehearse_collection(
    plan: CollectionPlan, snapshot: Path, folder: Path, partitions: int, sort_memory_mb: int
) -> DryRunOutcome:
    bounds, keys = table_bounds(snapshot, plan, partitions, sort_memory_mb, folder), partition_keys(partitions)
    paths = {key: UPath(folder) / plan.mapping.extract_name / f"{key}.parquet" for key in keys}
    for stream in scan_partitions(snapshot, plan, bounds, keys, sort_memory_mb, folder):
        write_partition(paths[stream.partition], stream.batches)
    return _converted(plan, list(paths.values()))


def _converted(plan: CollectionPlan, paths: list[UPath]) -> DryRunOutcome:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    convert = row_converter(plan.mapping, row_layout(plan).columns, now, plan.parents)
    rows = refused = size = 0
    examples: list[str] = []
    lengths: dict[str, int] = {}
    for path in paths:
        for row, reason in judged_rows(open_partition(path), plan.mapping):
            rows += 1
            row_bytes = 0
            if reason is None:
                assert row.uuid is not None, "without a UUID it is refused"
                draft = convert(row.uuid, key_text(row.key), row.values)
                row_bytes = estimated_size(draft)
                reason = too_large(row_bytes, MESSAGE_BYTES) or _of_another_length(draft.vectors, lengths)
            size += row_bytes
            refused += reason is not None
            if reason is not None and len(examples) < EXAMPLES:
                examples.append(f"{key_text(row.key)}: {reason}")
        path.unlink()
    return DryRunOutcome(plan.mapping.name, plan.mapping.table, rows, rows - refused, refused, size, tuple(examples))


def _of_another_length(vectors: Vectors, first: dict[str, int]) -> str | None:
    """Why Weaviate would refuse a row for its vectors: the first one of a name decides about the length of all."""
    for name, vector in vectors.items():
        if len(vector) != first.setdefault(name, len(vector)):
            return f"vector {name} has {len(vector)} numbers, and the first one has {first[name]}"
    return None
