"""A migration on several machines: its file is written to all the while, and its steps are done by two workers.

What becomes of it is found out by `field/comparison.py`, which shares no code with the product.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import yaml

from weaviate_migration.mapping.reader import read_mapping
from weaviate_migration.phases.history.collection_locks import part_of, writing_lock
from weaviate_migration.runs.life_watch import LOST_SECONDS
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.cluster import impatient, writer
from weaviate_migration_tests.cluster.application import make_file
from weaviate_migration_tests.cluster.celery_worker import CeleryWorker, celery_settings, run_workers
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.cluster.program import Program
from weaviate_migration_tests.cluster.progress import Progress
from weaviate_migration_tests.cluster.redis_server import RedisServer
from weaviate_migration_tests.cluster.s3_server import S3Server
from weaviate_migration_tests.field.comparison import compare
from weaviate_migration_tests.live.command_line import child_environment, run_command, until
from weaviate_migration_tests.live.three_nodes import ThreeNodes

WRITERS = 2
WORKERS = ("w1", "w2")
LONGEST_COMMAND_SECONDS = 3600
SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class SharedServers:
    """What the machines share, each running: the queue of tasks, the state, the files, and where the objects go."""

    redis: RedisServer
    postgres: PostgresServer
    s3: S3Server
    nodes: ThreeNodes


@dataclass
class ClusterMigration:
    """An application's file on its way to three nodes, through two workers, while it is written to.

    Args:
        folder: of the machine with the file: the file itself, the mapping, and what programs print.
        rows: of the file, before anybody writes to it.
        rate: transactions a second of each of the writers.
        partitions: so many each table is cut into.
        partitions_per_task: so many of them are loaded by one run.
        tables: that are migrated; none: all of them.
        lost_seconds: after which a worker without a sign of life counts as lost.
    """

    folder: Path
    servers: SharedServers
    rows: int
    rate: float
    partitions: int = 16
    partitions_per_task: int = 4
    tables: Sequence[str] = ()
    lost_seconds: float = LOST_SECONDS
    workers: list[CeleryWorker] = field(init=False)
    progress: Progress = field(init=False)
    _held: ExitStack = field(init=False, default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.source = make_file(self.folder / "app.db", self.rows)
        self._mapping = self.folder / "mapping.yaml"
        self._writers = [self._writer(number) for number in range(WRITERS)]
        self._celery = celery_settings(self.servers.redis)
        self._executor = self.folder / "executor.yaml"
        self._executor.write_text(yaml.safe_dump({"celery": self._celery}))
        home = self._dagster_home()
        self._environment = {**self.servers.s3.environment, "DAGSTER_HOME": str(home)}
        self._bucket = self.servers.s3.new_bucket()
        self._state_url = self.servers.postgres.new_database()
        self.progress = Progress(WorkFolder(self.folder / "work", state_url=self._state_url), home)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Two workers take tasks, and the mapping is drawn; at the end nobody works or writes any more."""
        self.servers.redis.empty()
        with (
            closing(self.progress),
            run_workers(self.folder, self._celery, self._environment, WORKERS) as self.workers,
            ExitStack() as writing,
            self._held,
        ):
            self._draw_mapping()
            for each in self._writers:
                writing.callback(each.kill)
            yield

    def start_writers(self) -> None:
        """The application is in use from here on."""
        for each in self._writers:
            each.begin()

    def stop_writers(self) -> int:
        """The application is in use no more; how many transactions there were.

        Raises:
            AssertionError: something has made it fail meanwhile.
        """
        self._assert_in_use()
        for each in self._writers:
            each.stop()
        return sum(json.loads(each.log.read_text())["transactions"] for each in self._writers)

    @contextmanager
    def migrating(self, *options: str) -> Iterator[Program]:
        """`migrate --live` beside the test, range by range."""
        cut = ("--partitions", self.partitions, "--partitions-per-task", self.partitions_per_task)
        ranges = (*cut, "--workers", len(WORKERS))
        with self._command("migrate", "--live", *options, *ranges) as migrate:
            yield migrate

    def hold_loads(self) -> None:
        """Begins the migration; whoever comes to load a range of it waits, and gives signs of life."""
        folder = self.progress.work_folder
        mapping = read_mapping(self._mapping)
        record = folder.records.resume_or_begin(self.source, mapping, "", partitions=self.partitions)
        keys, size = record.partition_keys, self.partitions_per_task
        for name in record.targets.values():
            for at in range(0, len(keys), size):
                self._held.enter_context(writing_lock(folder, f"{name}.{part_of(keys[at : at + size])}"))

    def release_loads(self) -> None:
        """Nobody has to wait any more."""
        self._held.close()

    def await_moment(self, migrate: Program, is_there: Callable[[], bool]) -> None:
        """Waits for something that happens before the migration has come to its end."""
        until(lambda: not migrate.is_alive() or is_there(), LONGEST_COMMAND_SECONDS, SECONDS_BETWEEN_LOOKS)
        assert migrate.is_alive(), migrate.fate
        self._assert_in_use()

    def worker_that_loads(self) -> CeleryWorker | None:
        """One that loads a range of partitions at this moment."""
        loading = set(self.progress.loading_processes())
        return next((each for each in self.workers if loading & {one.pid for one in each.program.family()}), None)

    def kill_a_worker_that_loads(self) -> CeleryWorker | None:
        """Kills a worker with a step that it cannot have ended meanwhile; None where nobody loads at this moment."""
        if (seen := self.worker_that_loads()) is None:
            return None
        with seen.program.frozen():
            if self.worker_that_loads() is not seen:
                return None
            seen.kill()
        return seen

    def run(self, name: str) -> None:
        """A command to its end, which is a good one."""
        with self._command(name) as program:
            code = program.end_within(LONGEST_COMMAND_SECONDS)
            assert code == 0, program.fate

    def differences(self, node: int) -> list[str]:
        """What differs between the file and the objects, as this node has them; nobody writes meanwhile."""
        mapping = yaml.safe_load(self._mapping.read_text(encoding="utf-8"))
        address = self.servers.nodes.addresses[node]
        compared = compare(self.source, mapping, f"http://{address.host}:{address.http_port}")
        assert sum(compared.rows.values()) > self.rows / 2
        return compared.differences

    @contextmanager
    def _command(self, name: str, *options: object) -> Iterator[Program]:
        told = (sys.executable, "-m", impatient.__name__, self.lost_seconds, name, *options, *self._options)
        words = list(map(str, told))
        program = Program(words, self.folder / f"{name}.log", child_environment(self._environment))
        program.begin()
        try:
            yield program
        finally:
            program.kill()

    @property
    def _options(self) -> Sequence[object]:
        return (
            *("--sqlite-url", self.source, "--mapping", self._mapping, "--work-dir", self.folder / "work"),
            *("--executor", self._executor, "--state-url", self._state_url, "--storage", self._bucket),
            *self.servers.nodes.options,
        )

    def _draw_mapping(self) -> None:
        """The one that `init` finds, with each object on three nodes."""
        tables = ("--tables", ",".join(self.tables)) if self.tables else ()
        ended = run_command("init", "--sqlite-url", self.source, "--output", self._mapping, *tables)
        assert ended.code == 0, ended.stderr
        self._mapping.write_text(f"replication: 3\n{self._mapping.read_text(encoding='utf-8')}", encoding="utf-8")

    def _assert_in_use(self) -> None:
        failed = [each.fate for each in self._writers if not each.is_alive()]
        assert not failed, "\n".join(failed)

    def _dagster_home(self) -> Path:
        home = self.folder / "dagster_home"
        home.mkdir()
        storage = {"postgres": {"postgres_url": self.servers.postgres.new_database()}}
        settings = {"storage": storage, "telemetry": {"enabled": False}}
        (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
        # Makes the tables: workers that start at once would all make them, and all but one fail.
        dg.DagsterInstance.from_config(str(home)).dispose()
        return home

    def _writer(self, number: int) -> Program:
        words = [sys.executable, "-m", writer.__name__, str(self.source), "--seed", str(number)]
        return Program([*words, "--rate", str(self.rate)], self.folder / f"writer-{number}.log", child_environment({}))
