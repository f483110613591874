"""What measuring costs: the CPU time of what measures and exposes, in the loads of a migration that exposes metrics.

`python -m benchmarks.measuring_cost OPTIONS` migrates in this process, with these fields of `MigrationConfig` as JSON,
and prints CPU seconds: of the loads as a whole, and of the measuring in them. Each call of what measures is timed,
which counts as measuring too. Not timed are two looks at the clock for each batch.
"""

import functools
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measurement import Measurement, Server, python_command, timed_command


def measure_cost(server: Server, source: Path, rows: int, folder: Path) -> Measurement:
    """CPU seconds of the loads with measuring, and (the reference) without."""
    with TemporaryDirectory(dir=folder) as place:
        options = {
            "sqlite_url": str(source),
            "weaviate_url": f"http://{server.address.host}:{server.address.http_port}",
            "grpc_port": server.address.grpc_port,
            "work_dir": str(Path(place, "work")),
            "metrics_file": str(Path(place, "metrics.prom")),
            "cutover": False,
        }
        ended = timed_command(python_command("benchmarks.measuring_cost", json.dumps(options)))
    server.clear()
    found = json.loads(ended.output.splitlines()[-1])
    return Measurement(found["load"], reference_seconds=found["load"] - found["measuring"], rows=rows)


class CpuSeconds:
    """The CPU time of loads, and of what measures and exposes while they run."""

    def __init__(self) -> None:
        self.load = 0.0
        self.measuring = 0.0
        self._loading = False

    def count_loads(self, owner: Any, name: str) -> None:
        """Has the time of all threads counted while this function runs."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def counted(*arguments: Any, **named: Any) -> Any:
            began, self._loading = time.process_time(), True
            try:
                return original(*arguments, **named)
            finally:
                self._loading = False
                self.load += time.process_time() - began

        setattr(owner, name, counted)

    def count_measuring(self, owner: Any, name: str) -> None:
        """Has the time of the thread that calls this function counted, while something is loaded."""
        original = getattr(owner, name)

        @functools.wraps(original)
        def counted(*arguments: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return original(*arguments, **named)
            finally:
                if self._loading:
                    self.measuring += time.thread_time() - began

        setattr(owner, name, counted)


def main(options: dict[str, Any]) -> None:
    """Migrates, and prints the CPU seconds."""
    from weaviate_migration import run_migration
    from weaviate_migration.monitoring.metrics import exposition
    from weaviate_migration.phases.history.load import PartitionLoad
    from weaviate_migration.work_folder.load_tally import LoadTally
    from weaviate_migration.work_folder.loaded import LoadedPartitions
    from weaviate_migration.work_folder.progress import KeptProgress

    spent = CpuSeconds()
    spent.count_loads(PartitionLoad, "run")
    measuring: dict[Any, tuple[str, ...]] = {
        LoadTally: ("add_batch", "refuse", "leave_out"),
        LoadedPartitions: ("begin", "note_under_way", "note"),
        KeptProgress: ("advance", "finish"),
        exposition: ("write_to_textfile",),
    }
    for owner, names in measuring.items():
        for name in names:
            spent.count_measuring(owner, name)
    result = run_migration(**options)
    if not result.success:
        sys.exit("\n".join(result.errors))
    print(json.dumps({"load": spent.load, "measuring": spent.measuring}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
