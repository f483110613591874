"""The command `weaviate-migration migrate`, from the start of its process to its end."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.foretold import foretold_seconds
from benchmarks.measurement import (
    ROOT,
    MeasuredCommandError,
    Measurement,
    Server,
    python_command,
    start_command,
    timed_command,
)
from benchmarks.run_events import events_by_type

WORKERS = 4
SECONDS_BETWEEN_LOOKS = 0.1
_numbers = count(1)


@dataclass(frozen=True)
class MigrateCommand:
    """Migrates one file; each run has a work folder and a prefix of its own.

    Attributes:
        rows: how many each of the collections has.
        options: further ones of `migrate`.
        checkout: the version of this repository that migrates.
    """

    server: Server
    source: Path
    rows: int
    folder: Path
    collections: Sequence[str] = ("Message",)
    options: Sequence[object] = ()
    checkout: Path = ROOT

    def measure(self) -> Measurement:
        """One run of the command; its collections are gone afterwards."""
        with self._place() as (work_dir, command):
            return self._timed(work_dir, command)

    def measure_foretold(self) -> Measurement:
        """One run of the command, compared with the time that `preflight` has foretold."""
        with self._place() as (work_dir, command):
            preflight = self._command("preflight", work_dir, *self._of_source(work_dir))
            foretold = foretold_seconds(preflight, self.checkout)
            return replace(self._timed(work_dir, command), reference_seconds=foretold)

    def measure_after_kill(self) -> Measurement:
        """The command once more after one that was killed when it had written half of the messages."""
        with self._place() as (work_dir, command):
            self._kill_halfway(work_dir, command)
            return self._timed(work_dir, command)

    def measure_containment(self) -> Measurement:
        """What the check `search` has found of what FTS5 finds: the least share of all properties."""
        with self._place() as (work_dir, command):
            measured = self._timed(work_dir, command)
            status = json.loads(timed_command(self._command("status", work_dir), self.checkout).output)
        shares = [each["share"] for each in status["searches"] if "full-text search" in each["measure"]]
        return replace(measured, share=min(shares))

    def measure_second(self) -> Measurement:
        """A second migration of the same file, which shares the made vectors; it is compared with the first."""
        with TemporaryDirectory(dir=self.folder) as shared:
            sharing = replace(self, options=(*self.options, "--vector-cache", Path(shared, "vectors.sqlite")))
            first, second = sharing.measure(), sharing.measure()
        return replace(second, reference_seconds=first.seconds)

    def measure_verify(self) -> Measurement:
        """The command `verify` on what was migrated, and beside it the client's own walk over the same objects."""
        with self._place() as (work_dir, command):
            self._timed(work_dir, command)
            verify = self._command("verify", work_dir)
            ended = timed_command(verify, self.checkout, self.server)
            found = json.loads(ended.output)["collections"][f"{work_dir.name}Message"]
            if (found["rows"], found["objects"]) != (self.rows, self.rows):
                raise MeasuredCommandError(
                    f"{' '.join(verify)}\ndid not compare {self.rows} messages:\n{ended.output[:2000]}"
                )
            walk = self._iterated(f"{work_dir.name}Message")
            return Measurement(ended.seconds, ended.cpu_seconds, reference_seconds=walk, rows=self.rows)

    def _iterated(self, collection: str) -> float:
        objects = self.server.client.collections.use(collection)
        began = time.monotonic()
        for _ in objects.iterator(cache_size=5000):
            pass
        return time.monotonic() - began

    @contextmanager
    def _place(self) -> Iterator[tuple[Path, list[str]]]:
        prefix = f"Run{next(_numbers)}"
        work_dir = self.folder / prefix
        try:
            yield work_dir, self._command("migrate", work_dir, *self._of_source(work_dir))
        finally:
            self.server.clear()
            shutil.rmtree(work_dir, ignore_errors=True)

    def _of_source(self, work_dir: Path) -> Sequence[object]:
        """The options of a command that reads the file; the prefix is the work folder's name."""
        return ("--sqlite-url", self.source, "--prefix", work_dir.name, "--workers", WORKERS, *self.options)

    def _command(self, name: str, work_dir: Path, *more: object) -> list[str]:
        options = ("--json", "--work-dir", work_dir, *self.server.options)
        return python_command("weaviate_migration", name, *options, *more)

    def _timed(self, work_dir: Path, command: list[str]) -> Measurement:
        ended = timed_command(command, self.checkout, self.server)
        result = json.loads(ended.output)
        if any(result["collections"][each]["migrated"] != self.rows for each in self.collections):
            raise MeasuredCommandError(f"{' '.join(command)}\ndid not migrate {self.rows} rows:\n{ended.output[:2000]}")
        events = events_by_type(work_dir / "dagster_home")
        memory = result["peak_memory_mb"]
        return Measurement(
            ended.seconds,
            ended.cpu_seconds,
            rows=self.rows,
            peak_memory_mb=memory,
            events=events,
            phases=result["phases"],
            calls=_calls(result),
        )

    def _kill_halfway(self, work_dir: Path, command: list[str]) -> None:
        """Kills the command once half of the rows are in Weaviate.

        Raises:
            MeasuredCommandError: it has ended before.
        """
        with start_command(command, self.checkout) as process:
            while self._written(work_dir.name) < self.rows // 2:
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=SECONDS_BETWEEN_LOOKS)
                if process.poll() is not None:
                    raise MeasuredCommandError(f"{' '.join(command)}\nended before it could be killed.")
            process.kill()

    def _written(self, prefix: str) -> int:
        """The server is asked: how a command keeps what it has done differs from version to version."""
        collections = self.server.client.collections
        names = [each for each in collections.list_all() if each.startswith(f"{prefix}{self.collections[0]}")]
        counts = [collections.use(each).aggregate.over_all(total_count=True).total_count for each in names]
        return sum(each or 0 for each in counts)


def _calls(result: dict[str, Any]) -> int:
    """How often models were asked; versions before knew none."""
    collections = result["metrics"]["collections"].values()
    return sum(each["calls"] for collection in collections for each in collection.get("vectors", {}).values())
