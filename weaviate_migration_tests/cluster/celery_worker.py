"""A worker of Celery that carries out steps of Dagster's runs."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from celery import Celery
from kombu import pools

from weaviate_migration_tests.cluster.program import Program, leave_out_if_unwanted
from weaviate_migration_tests.cluster.redis_server import RedisServer
from weaviate_migration_tests.live.command_line import child_environment

QUEUE = "dagster"
"""Where `dagster-celery` puts a step that no tag sends elsewhere."""
_PING_SECONDS = 1.0
# As on a machine of one core: what a worker does not take, another one does.
_STEPS_AT_ONCE = 1
# A worker takes no task before it can begin with it: those that it has taken ahead would wait for it, and go with it.
_NONE_AHEAD = {"worker_disable_prefetch": True}


def celery_settings(redis: RedisServer, **more: object) -> dict[str, Any]:
    """The settings of Dagster's Celery executor and of its workers, which must be the same."""
    return {"broker": redis.url(0), "backend": redis.url(1), "config_source": _NONE_AHEAD, **more}


def write_celery_yaml(file: Path, settings: Mapping[str, object]) -> Path:
    """Writes them as `dagster-celery worker start -y` reads them; at the top level it would pass them over."""
    file.write_text(yaml.safe_dump({"execution": {"config": dict(settings)}}))
    return file


@dataclass
class CeleryWorker:
    """A worker; started again it has the same name and the same queues.

    Args:
        folder: gets its log, and the settings of Celery that it reads.
        settings: those of the executor, `celery_settings`.
        environment: further variables: at least `DAGSTER_HOME`.
        queues: which it takes tasks from.
    """

    folder: Path
    settings: Mapping[str, Any]
    environment: Mapping[str, str]
    name: str = "w1"
    queues: Sequence[str] = (QUEUE,)
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        config = write_celery_yaml(self.folder / f"celery-{self.name}.yaml", self.settings)
        # It starts `celery`, which is beside it in an environment that need not be on PATH.
        beside = Path(sys.executable).parent
        words = [str(beside / "dagster-celery"), "worker", "start", "-A", "dagster_celery.app", "-y", str(config)]
        queues = [word for queue in self.queues for word in ("-q", queue)]
        self.program = Program(
            [*words, "-n", self.name, *queues, "--", "--concurrency", str(_STEPS_AT_ONCE)],
            self.folder / f"celery-{self.name}.log",
            child_environment({**self.environment, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}),
        )

    @property
    def full_name(self) -> str:
        """As Celery knows it."""
        return f"{self.name}@{socket.gethostname()}"

    def start(self) -> None:
        """Starts it, also again, and waits until it answers."""
        self.program.start(self.answers)

    def kill(self) -> None:
        """Ends it on the spot, with the step that it is at; its task is lost."""
        self.program.kill()

    def stop(self) -> None:
        """Asks it to end; it is killed where it takes long."""
        self.program.stop()

    def answers(self) -> bool:
        """Whether it takes part."""
        with Celery(broker=self.settings["broker"], backend=self.settings["backend"]) as app:
            answered = bool(app.control.ping(destination=[self.full_name], timeout=_PING_SECONDS))
        # What stays open holds up each fork.
        pools.reset()  # type: ignore[no-untyped-call]
        return answered


@contextmanager
def run_workers(
    folder: Path, settings: Mapping[str, Any], environment: Mapping[str, str], names: Sequence[str] = ("w1",)
) -> Iterator[list[CeleryWorker]]:
    """Workers with these names, which take tasks; ended with the context."""
    leave_out_if_unwanted()
    workers = [CeleryWorker(folder, settings, environment, name) for name in names]
    try:
        for each in workers:  # They come up side by side, each mostly with imports.
            each.program.begin()
        for each in workers:
            each.program.await_ready(each.answers)
        yield workers
    finally:
        for each in workers:
            each.stop()
