"""What a row costs at each stage of a migration, in CPU of our process and of the server and in bytes; and a partition.

`python -m benchmarks.stage_costs measure FILE` measures it on servers of its own. `how_far` reads FILE.
CPU says the same on a busy machine as on a quiet one, the clock does not.
"""

import functools
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy as np
import psutil
from upath import UPath

from benchmarks.embedded_file import EmbeddedFile
from benchmarks.measurement import SERVER_FOLDER, MeasuredCommandError, own_server, python_command, timed_command
from benchmarks.tables_file import TablesFile
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, MAX_PARTITIONS
from weaviate_migration.target.server_binary import SERVER_VERSION
from weaviate_migration.work_folder.storage import bytes_in

STAGES = ("audit", "snapshot", "extract", "load", "comparison")
DIMENSIONS = 768
_VECTORS = "    vectors: [{name: content, column: embedding, bytes: float32}]\n"
_WORK_FOLDER = "work"


@dataclass
class CpuSeconds:
    """CPU seconds at each stage: of this process with all of its threads, and of the server."""

    server: psutil.Process
    ours: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    servers: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Counts what is done inside."""
        ours, servers = time.process_time(), self._of_server
        try:
            yield
        finally:
            self.ours[stage] += time.process_time() - ours
            self.servers[stage] += self._of_server - servers

    @property
    def _of_server(self) -> float:
        times = self.server.cpu_times()
        return float(times.user + times.system)

    def count(self, owner: Any, name: str, stage: str) -> None:
        """Has each call of a function counted, as a whole."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def counted(*arguments: Any, **named: Any) -> Any:
            with self.at(stage):
                return original(*arguments, **named)

        setattr(owner, name, counted)

    def count_items(self, owner: Any, name: str, stage: str) -> None:
        """Has a function counted that yields: what it does for each item, not what is done with that."""
        original: Callable[..., Iterator[Any]] = getattr(owner, name)

        @functools.wraps(original)
        def counted(*arguments: Any, **named: Any) -> Iterator[Any]:
            items, end = original(*arguments, **named), object()
            while True:
                with self.at(stage):
                    item = next(items, end)
                if item is end:
                    return
                yield item

        setattr(owner, name, counted)


@click.group()
def main() -> None:
    """Measures what a row and a partition cost."""


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rows", default=20_000, show_default=True, type=click.IntRange(1000, 20_000))
def measure(file: Path, rows: int) -> None:
    """Measure all costs, and write them into FILE."""
    costs = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "on": f"{os.cpu_count()} cores, Weaviate {SERVER_VERSION} on the same machine",
        "rows": rows,
        "dimensions": DIMENSIONS,
        "plain": _of_rows(rows, with_vectors=False),
        "with_vectors": _of_rows(rows, with_vectors=True),
        "partitions": _of_partitions(),
    }
    file.write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")


@main.command(hidden=True)
@click.argument("options")
@click.argument("server_process", type=int)
def migrate(options: str, server_process: int) -> None:
    """Migrate in this process, and print what each stage took."""
    spent = CpuSeconds(psutil.Process(server_process))
    _count_stages(spent)
    from weaviate_migration import run_migration

    result = run_migration(**json.loads(options))
    if not result.success:
        raise click.ClickException("\n".join(result.errors))
    print(json.dumps({"ours": spent.ours, "servers": spent.servers, "peak_memory_mb": result.peak_memory_mb}))


def _count_stages(spent: CpuSeconds) -> None:
    from weaviate_migration.defs.assets import source_audit
    from weaviate_migration.defs.resources.extract_storage import ExtractIOManager
    from weaviate_migration.phases.history.load import PartitionLoad
    from weaviate_migration.phases.history.snapshot import SnapshotTaker
    from weaviate_migration.phases.validation.collection_proof import CollectionProof

    spent.count(source_audit, "audit_source", "audit")
    spent.count(SnapshotTaker, "snapshot_of", "snapshot")
    spent.count(ExtractIOManager, "handle_output", "extract")  # It draws the rows through scan and sort.
    spent.count(PartitionLoad, "run", "load")
    spent.count_items(CollectionProof, "compare_partitions", "comparison")


def _of_rows(rows: int, *, with_vectors: bool) -> dict[str, Any]:
    """Microseconds of CPU and bytes, for a row; and the peak of our process's memory."""
    with TemporaryDirectory(prefix="weaviate-migration-costs-") as place:
        folder = Path(place)
        made = TablesFile(folder, 1, rows)
        source, mapping = made.source(), made.mapping()
        if with_vectors:
            _add_vectors(source, EmbeddedFile(folder, rows))
            mapping.write_text(mapping.read_text(encoding="utf-8") + _VECTORS, encoding="utf-8")
        with own_server(folder) as server:
            at = server.address
            options = {
                **{"weaviate_url": f"http://{at.host}:{at.http_port}", "grpc_port": at.grpc_port},
                **{"sqlite_url": str(source), "mapping": str(mapping), "work_dir": str(folder / _WORK_FOLDER)},
            }
            command = python_command("benchmarks.stage_costs", "migrate", json.dumps(options), server.process.pid)
            found = json.loads(timed_command(command).output.splitlines()[-1])
        return {
            "ours_us": {stage: _each(1e6 * seconds, rows) for stage, seconds in found["ours"].items()},
            "server_us": {stage: _each(1e6 * seconds, rows) for stage, seconds in found["servers"].items()},
            "bytes": {
                "source": _each(source.stat().st_size, rows),
                "extract": _each(bytes_in(UPath(folder / _WORK_FOLDER / "extracts")), rows),
                "server": _each(bytes_in(UPath(folder / SERVER_FOLDER)), rows),
            },
            "peak_memory_mb": round(found["peak_memory_mb"]),
        }


def _of_partitions() -> dict[str, float]:
    """CPU seconds of our process: of a migration of an empty table, but for its partitions, and of each of these."""
    few, many = (_of_empty_table(partitions) for partitions in (DEFAULT_PARTITIONS, MAX_PARTITIONS))
    each = (many - few) / (MAX_PARTITIONS - DEFAULT_PARTITIONS)
    return {"fixed_s": round(few - each * DEFAULT_PARTITIONS, 2), "each_ms": round(1000 * each, 2)}


def _of_empty_table(partitions: int) -> float:
    with TemporaryDirectory(prefix="weaviate-migration-costs-") as place:
        folder = Path(place)
        made = TablesFile(folder, 1, 0)
        with own_server(folder) as server:
            place_of = ("--sqlite-url", made.source(), "--mapping", made.mapping(), "--work-dir", folder / _WORK_FOLDER)
            options = (*server.options, *place_of, "--partitions", partitions)
            return timed_command(python_command("weaviate_migration", "migrate", *options)).cpu_seconds


def _add_vectors(source: Path, file: EmbeddedFile) -> None:
    """Those of real texts, each followed by itself turned round: as near to each other, with twice the numbers."""
    # What repeats itself, an extract would compress.
    vectors = np.hstack([file.vectors, file.vectors[:, ::-1]])
    if vectors.shape[1] != DIMENSIONS:
        raise MeasuredCommandError(f"The model makes vectors of {file.vectors.shape[1]} numbers.")
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("ALTER TABLE Table0 ADD COLUMN embedding BLOB")
        rows = ((vector.tobytes(), number) for number, vector in enumerate(vectors, start=1))
        connection.executemany("UPDATE Table0 SET embedding = ? WHERE rowid = ?", rows)
        connection.commit()
        connection.execute("VACUUM")


def _each(total: float, rows: int) -> float:
    return round(total / rows, 1)


if __name__ == "__main__":
    main()
