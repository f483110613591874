"""A migration on several machines, all of them on the loopback, with a worker and a node killed on the way.

What becomes of it is found out by `field/comparison.py`, which shares no code with the product.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import weaviate
import yaml
from weaviate.exceptions import WeaviateQueryError

from weaviate_migration_tests.cluster import writer
from weaviate_migration_tests.cluster.application import make_file
from weaviate_migration_tests.cluster.celery_worker import CeleryWorker, celery_settings, run_workers
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.cluster.program import Program
from weaviate_migration_tests.cluster.redis_server import RedisServer
from weaviate_migration_tests.cluster.s3_server import S3Server
from weaviate_migration_tests.field.comparison import compare
from weaviate_migration_tests.live.command_line import (
    Ended,
    at,
    child_environment,
    command,
    run_command,
    until,
)
from weaviate_migration_tests.live.three_nodes import ThreeNodes

WRITERS = 2
WORKERS = ("w1", "w2")


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
    """

    folder: Path
    servers: SharedServers
    rows: int
    rate: float
    workers: list[CeleryWorker] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.source = make_file(self.folder / "app.db", self.rows)
        self._mapping = self.folder / "mapping.yaml"
        self._writers = [self._writer(number) for number in range(WRITERS)]
        celery = celery_settings(self.servers.redis)
        self._executor = self.folder / "executor.yaml"
        self._executor.write_text(yaml.safe_dump({"celery": celery}))
        self._environment = {**self.servers.s3.environment, "DAGSTER_HOME": str(self._dagster_home())}
        self._bucket = self.servers.s3.new_bucket()
        self._state_url = self.servers.postgres.new_database()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Two workers take tasks, and the mapping is drawn; at the end nobody works or writes any more."""
        self.servers.redis.empty()
        settings = celery_settings(self.servers.redis)
        with run_workers(self.folder, settings, self._environment, WORKERS) as self.workers, ExitStack() as writing:
            self._draw_mapping()
            for each in self._writers:
                writing.callback(each.kill)
            yield

    def start_writers(self) -> None:
        """The application is in use from here on."""
        for each in self._writers:
            each.begin()

    def stop_writers(self) -> None:
        """The application is in use no more; raises AssertionError where something has made it fail meanwhile."""
        failed = [each.log.read_text() for each in self._writers if not each.is_alive()]
        for each in self._writers:
            each.kill()
        assert not failed, failed

    @contextmanager
    def migrating(self) -> Iterator[Program]:
        """`migrate --live` beside the test."""
        words = command("migrate", "--live", *self._options)
        program = Program(words, self.folder / "migrate.log", child_environment(self._environment))
        program.begin()
        try:
            yield program
        finally:
            program.kill()

    def await_objects(self, migrate: Program, share: float) -> int:
        """Waits until so much of the rows is in Weaviate, whoever has brought it there; how many objects that is."""
        found = 0

        def are_there() -> bool:
            nonlocal found
            found = self.objects()
            return not migrate.is_alive() or found >= share * self.rows

        until(are_there)
        assert migrate.is_alive(), migrate.log.read_text()
        return found

    def run(self, name: str, *options: object) -> Ended:
        """A command to its end, which is a good one."""
        ended = run_command(name, *options, *self._options, **self._environment)
        assert ended.code == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
        return ended

    def objects(self) -> int:
        """How many the collections have, as the first node counts them; 0 while one is made or removed."""
        first = self.servers.nodes.addresses[0]
        with (
            weaviate.connect_to_local(first.host, first.http_port, first.grpc_port, skip_init_checks=True) as client,
            suppress(WeaviateQueryError),
        ):
            collections = [client.collections.use(name) for name in client.collections.list_all()]
            return sum(each.aggregate.over_all(total_count=True).total_count or 0 for each in collections)
        return 0

    def differences(self, node: int) -> list[str]:
        """What differs between the file and the objects, as this node has them; nobody writes meanwhile."""
        mapping = yaml.safe_load(self._mapping.read_text(encoding="utf-8"))
        compared = compare(self.source, mapping, self._url(node))
        assert sum(compared.rows.values()) > self.rows / 2
        return compared.differences

    def _url(self, node: int) -> str:
        address = self.servers.nodes.addresses[node]
        return f"http://{address.host}:{address.http_port}"

    @property
    def _options(self) -> Sequence[object]:
        return (
            *("--sqlite-url", self.source, "--mapping", self._mapping, "--work-dir", self.folder / "work"),
            *("--executor", self._executor),
            *("--state-url", self._state_url),
            *("--storage", self._bucket),
            *at(self.servers.nodes.addresses[0]),
        )

    def _draw_mapping(self) -> None:
        ended = run_command("init", "--sqlite-url", self.source, "--output", self._mapping)
        assert ended.code == 0, ended.stderr

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
