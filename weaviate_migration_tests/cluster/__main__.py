"""`make cluster`: 200,000 rows through two workers into three nodes, while they change; a worker and a node die.

Starts all that the machines share, and ends it: at the end no process is left. Exit code 1 where rows differ.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from weaviate_migration_tests.cluster.course import Death, take_course
from weaviate_migration_tests.cluster.postgres_server import run_postgres
from weaviate_migration_tests.cluster.program import processes_about
from weaviate_migration_tests.cluster.redis_server import run_redis
from weaviate_migration_tests.cluster.s3_server import run_s3
from weaviate_migration_tests.cluster.scenario import ClusterMigration, SharedServers
from weaviate_migration_tests.live.three_nodes import run_three_nodes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=10.0, help="transactions a second of each of the two writers")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # What was started is ended then, too.
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    with TemporaryDirectory(prefix="cluster") as folder:
        with _servers(Path(folder)) as servers:
            say("Redis, PostgreSQL, an S3 server and three Weaviate nodes are ready")
            migration = ClusterMigration(Path(folder) / "machine", servers, given.rows, given.rate)
            with migration.running():
                say("two workers wait for tasks")
                worker = Death(0.2, "a worker", migration.workers[0])
                node = Death(0.5, "a node", servers.nodes.nodes[-1])
                differences = take_course(migration, [worker, node], say)
        left = processes_about(Path(folder))
    for line in [*differences, *(f"still runs: {each}" for each in left)]:
        print(line, file=sys.stderr)
    say("all that was started has ended")
    return 1 if differences or left else 0


@contextmanager
def _servers(folder: Path) -> Iterator[SharedServers]:
    with (
        run_redis(folder) as redis,
        run_postgres() as postgres,
        run_s3(folder) as s3,
        run_three_nodes(folder / "nodes", REPLICATION_MINIMUM_FACTOR="3") as nodes,
    ):
        yield SharedServers(redis, postgres, s3, nodes)


if __name__ == "__main__":
    sys.exit(main())
