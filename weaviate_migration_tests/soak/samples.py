"""What a follower and all that it keeps take at a moment, measured from outside; kept as a file of JSON lines."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from weaviate_migration.work_folder.folder import WorkFolder

MB = 1_000_000
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Sample:
    """One moment.

    Attributes:
        seconds: since the beginning.
        restarts: of the server, so far.
        follower_mb, server_mb: what each process holds in memory.
        follower_files, follower_threads: that it has open, and that it has.
        follower_cpu_seconds: that it has taken so far.
        source_mb, wal_mb: the application's file, and the log that SQLite writes beside it.
        log_entries: of the change log in the application's file.
        changes: that were logged since the beginning of the log.
        lag_changes: of them, those that are not applied; `lag_seconds` is the age of the oldest of those.
        dagster_mb: Dagster's storage.
        work_folder_mb: all of the work folder, Dagster's storage included.
    """

    seconds: float
    restarts: int
    follower_mb: float
    server_mb: float
    follower_files: int
    follower_threads: int
    follower_cpu_seconds: float
    source_mb: float
    wal_mb: float
    log_entries: int
    changes: int
    lag_changes: int
    lag_seconds: float
    dagster_mb: float
    work_folder_mb: float


@dataclass(frozen=True)
class Watched:
    """What is measured.

    Args:
        source: the application's file.
        work_dir: the follower's work folder.
        migration: the id of the followed migration.
        follower: its process.
    """

    source: Path
    work_dir: Path
    migration: str
    follower: psutil.Process

    def sample(self, seconds: float, restarts: int, server: int) -> Sample:
        """What all of it takes now.

        Args:
            server: the process of Weaviate.
        """
        first, newest, applied, lag_seconds = self._log()
        cpu = self.follower.cpu_times()
        return Sample(
            seconds=round(seconds, 1),
            restarts=restarts,
            follower_mb=_memory_mb(self.follower),
            server_mb=_memory_mb(psutil.Process(server)),
            follower_files=self.follower.num_fds(),
            follower_threads=self.follower.num_threads(),
            follower_cpu_seconds=round(cpu.user + cpu.system, 2),
            source_mb=_mb(self.source),
            wal_mb=_mb(self.source.with_name(f"{self.source.name}-wal")),
            log_entries=newest - first + 1,
            changes=newest,
            lag_changes=newest - applied,
            lag_seconds=round(lag_seconds, 3),
            dagster_mb=_mb(self.work_dir / "dagster_home"),
            work_folder_mb=_mb(self.work_dir),
        )

    def _log(self) -> tuple[int, int, int, float]:
        """The oldest, the newest and the applied position, and the age of the oldest change that is not applied."""
        work_folder = WorkFolder(self.work_dir)
        applied, capture = work_folder.sync_positions.known(self.migration).position, work_folder.capture_id
        log = f'"_weaviate_migration_{capture}_changes"'
        with closing(sqlite3.connect(f"{self.source.as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")
            first, newest = connection.execute(f"SELECT min(position), max(position) FROM {log}").fetchone()
            oldest = f"SELECT (julianday('now') - at) * {_DAY_SECONDS} FROM {log} WHERE position > ? ORDER BY position"
            waiting = connection.execute(f"{oldest} LIMIT 1", (applied,)).fetchone()
        return first, newest, applied, max(0.0, waiting[0]) if waiting else 0.0


def write_sample(path: Path, sample: Sample) -> None:
    """Appends it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(sample)) + "\n")


def read_samples(path: Path) -> list[Sample]:
    """All that were written, in their order."""
    return [Sample(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _memory_mb(process: psutil.Process) -> float:
    return round(process.memory_info().rss / MB, 1)


def _mb(path: Path) -> float:
    """What a file or a folder takes; files come and go meanwhile."""
    return round(sum(_sizes(path)) / MB, 3)


def _sizes(path: Path) -> Iterator[int]:
    for each in (path, *path.rglob("*")):
        try:
            if each.is_file():
                yield each.stat().st_size
        except FileNotFoundError:
            continue
