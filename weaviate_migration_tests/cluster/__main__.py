"""`make cluster`: 200,000 rows through two workers into three nodes, while they change; a worker and a node die.

Starts all that the machines share, and ends it: at the end no process is left. Exit code 1 where rows differ, or where
a command fails; 2 where a program is missing.
"""

import argparse
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType

import pytest

from weaviate_migration_tests.cluster.course import Outcome, Say, take_course, timed_say
from weaviate_migration_tests.cluster.postgres_server import run_postgres
from weaviate_migration_tests.cluster.program import end_processes_about
from weaviate_migration_tests.cluster.redis_server import run_redis
from weaviate_migration_tests.cluster.s3_server import run_s3
from weaviate_migration_tests.cluster.scenario import ClusterMigration, SharedServers
from weaviate_migration_tests.live.three_nodes import run_three_nodes

_ENDING = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=10.0, help="transactions a second of each of the two writers")
    given = parser.parse_args()
    for each in _ENDING:
        signal.signal(each, _end)
    say = timed_say()
    try:
        with _own_folder(say) as folder:
            outcome = _migrate(folder, given.rows, given.rate, say)
            assert not outcome.differences, "\n".join(outcome.differences)
    except pytest.fail.Exception as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0


@contextmanager
def _own_folder(say: Say) -> Iterator[Path]:
    """All that is started knows it, and has ended at the end; after a failure it stays, with the logs."""
    folder, is_kept = Path(mkdtemp(prefix="cluster")), False
    folder.chmod(0o711)  # PostgreSQL's own user has to pass.
    say(f"all files, logs among them, are in {folder}")
    try:
        yield folder
    except Exception:
        is_kept = True
        raise
    finally:
        left = end_processes_about(folder)
        say(f"all that was started has ended; what had to be killed: {left or 'nothing'}")
        if not is_kept:
            shutil.rmtree(folder)
        assert not left, left


def _end(number: int, _: FrameType | None) -> None:
    """Ends what was started, undisturbed by more signals."""
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def _migrate(folder: Path, rows: int, rate: float, say: Say) -> Outcome:
    with _servers(folder) as servers:
        say("Redis, PostgreSQL, an S3 server and three Weaviate nodes are ready")
        migration = ClusterMigration(folder / "machine", servers, rows, rate)
        with migration.running():
            say("two workers wait for tasks")
            return take_course(migration, say)


@contextmanager
def _servers(folder: Path) -> Iterator[SharedServers]:
    with (
        run_redis(folder) as redis,
        run_postgres(beside=folder) as postgres,
        run_s3(folder) as s3,
        run_three_nodes(folder / "nodes") as nodes,
    ):
        yield SharedServers(redis, postgres, s3, nodes)


if __name__ == "__main__":
    sys.exit(main())
