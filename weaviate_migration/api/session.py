"""Whether metrics are exposed at all: only then is what it takes imported, since it costs each command time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.defs.build import asset_graph
from weaviate_migration.mapping import read_mapping
from weaviate_migration.monitoring.alerts.conditions import Judgement
from weaviate_migration.monitoring.alerts.run_conditions import judge_run
from weaviate_migration.monitoring.alerts.watch import watched
from weaviate_migration.runs.runner import dagster_instance


@contextmanager
def exposed_metrics(config: MigrationConfig) -> Iterator[None]:
    """Exposes metrics while a command runs, if its settings want it; raises what `exposition` does."""
    if config.metrics_port is None and config.metrics_file is None and config.metrics_push_url is None:
        yield
        return
    from weaviate_migration.monitoring.metrics.exposition import exposition

    with exposition(config):
        yield


class RunResult(Protocol):
    """What a command that runs a job comes to."""

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""

    @property
    def run_id(self) -> str | None:
        """None where it ran no job."""

    @property
    def errors(self) -> Sequence[str]:
        """Why it failed."""


_Result = TypeVar("_Result", bound=RunResult)


def watched_result(config: MigrationConfig, name: str, work: Callable[[], _Result]) -> _Result:
    """Does the work under watch, where alerts are configured, and tells what its run came to.

    Raises:
        ConfigurationError: the file of the alerts is wrong; and what the work raises.
    """
    with watched(config, name) as watch:
        result = work()
        run = partial(_judgement_of_run, config, result.run_id) if result.run_id is not None else None
        watch.conclude(result.exit_code, "\n".join(result.errors), run)
        return result


def _judgement_of_run(config: MigrationConfig, run_id: str) -> Judgement:
    graph = asset_graph(read_mapping(config.mapping))
    with dagster_instance(config.work_dir) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None, "the run has just ended"
        return judge_run(instance, graph, run)
