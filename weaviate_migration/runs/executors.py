"""Which of Dagster's executors runs the steps of a job: this process, several here, or workers on other machines."""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import MigrationConfig, has_password, usable_cores, value_in_environment
from weaviate_migration.base.yaml_file import FileKind, Misfit, parse_yaml, read_text

# One process imports everything, once, and the process of each step is its fork: started alone, a step took 3.5 s of
# CPU, nearly all of it imports (measured).
# Dagster's module would come first of all if it were not named.
_PRELOADED = [
    *("weaviate_migration.runs.step_processes", "dagster._core.executor.multiprocess"),
    "weaviate_migration.defs.build",
]
_FORKED = {"forkserver": {"preload_modules": _PRELOADED}}
_POD_TAG = "dagster-k8s/config"
_MULTIPROCESS, _IN_PROCESS = "multiprocess", "in_process"
EXECUTORS = (_IN_PROCESS, _MULTIPROCESS, "celery", "dask", "k8s")
"""The names of the executors."""


@dataclass(frozen=True)
class _Library:
    """The module that has an executor, and the `extra` of ours that installs what it needs."""

    module: str
    executor: str
    extra: str


_LIBRARIES: Mapping[str, _Library] = {
    "celery": _Library("dagster_celery", "celery_executor", "celery"),
    "dask": _Library("weaviate_migration.runs.dask_tasks", "dask_executor", "dask"),
    "k8s": _Library("dagster_k8s", "k8s_job_executor", "k8s"),
}


def _fields(given: Any) -> Any:
    """What YAML has for an executor without any config."""
    return {} if given is None else given


def _texts(given: Any) -> Any:
    """Tags as Dagster stores them."""
    if not isinstance(given, dict):
        return given
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}


_Config = Annotated[dict[str, Any] | None, BeforeValidator(_fields)]


class _ExecutorFile(BaseModel):
    """The file of `--executor`: one executor with its config, as Dagster has it, and what is said of single steps.

    Attributes:
        source_tags: of the steps that read the SQLite file: which queue or machine they have to run on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    in_process: _Config = None
    multiprocess: _Config = None
    celery: _Config = None
    dask: _Config = None
    k8s: _Config = None
    source_tags: Annotated[dict[str, str], BeforeValidator(_texts)] = Field(default_factory=dict)

    @property
    def given(self) -> list[str]:
        """The executors that it names."""
        return [name for name in EXECUTORS if getattr(self, name) is not None]


_FILE = FileKind("executor file", "an executor file", "--executor", ConfigurationError)


class ChosenExecutor(BaseModel):
    """An executor and its config. A job that is made again elsewhere has it as JSON: the file is on one machine only.

    Attributes:
        name: one of `EXECUTORS`.
        config: as Dagster's own executor takes it.
        source_tags: of the steps that read the SQLite file.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    config: dict[str, Any]
    source_tags: tuple[tuple[str, str], ...] = ()

    @property
    def definition(self) -> dg.ExecutorDefinition:
        """Dagster's own executor, with this config for its default.

        Raises:
            ConfigurationError: the package that brings it is not installed.
        """
        executor = _dagsters(self.name)
        field = dg.Field(executor.config_schema.config_type, default_value=self.run_config)
        return executor.configured(lambda chosen: chosen, name=executor.name, config_schema=field)

    @property
    def run_config(self) -> dict[str, Any]:
        """What a run has under `execution: {config: …}`."""
        return self.config if self.is_elsewhere else {self.name: self.config}

    @property
    def is_elsewhere(self) -> bool:
        """Whether workers carry out the steps, which may be on any machine."""
        return self.name in _LIBRARIES

    @property
    def processes(self) -> int:
        """How many processes of this machine work side by side."""
        if self.name != _MULTIPROCESS:
            return 1
        chosen = self.config.get("max_concurrent")
        return chosen if isinstance(chosen, int) and chosen > 0 else usable_cores()


IN_PROCESS = ChosenExecutor(name=_IN_PROCESS, config={})
"""One step after the other, in the run's own process."""


def own_executor(config: MigrationConfig) -> ChosenExecutor:
    """What runs steps where no file says so: one after the other in the run's process, or side by side in several."""
    if config.processes > 1:
        return _forked({"max_concurrent": config.processes})
    return IN_PROCESS


def chosen_executor(config: MigrationConfig) -> ChosenExecutor:
    """The executor that the settings name.

    Raises:
        ConfigurationError: the file is wrong: the message lists every mistake with its line. Or the package that brings
            the executor is not installed.
    """
    return read_executor(config.executor) if config.executor is not None else own_executor(config)


def read_executor(path: Path) -> ChosenExecutor:
    """Reads and validates the file of `--executor`; raises as `chosen_executor` does."""
    file = parse_yaml(read_text(path, _FILE), str(path), _ExecutorFile, _FILE, _misfits)
    (name,) = file.given
    config = getattr(file, name)
    if name == _MULTIPROCESS:
        return _forked(config)
    return ChosenExecutor(name=name, config=config, source_tags=tuple(sorted(file.source_tags.items())))


def _forked(config: Mapping[str, Any]) -> ChosenExecutor:
    return ChosenExecutor(name=_MULTIPROCESS, config={"start_method": _FORKED, **config})


def _dagsters(name: str) -> dg.ExecutorDefinition:
    """Dagster's executor of this name; those of packages of their own are imported by who uses them."""
    if (library := _LIBRARIES.get(name)) is None:
        return dg.multi_or_in_process_executor
    try:
        found: dg.ExecutorDefinition = getattr(importlib.import_module(library.module), library.executor)
    except ImportError as error:
        raise ConfigurationError(
            f"The executor {name} cannot be imported: {error}.",
            f"Install it: pip install 'weaviate-migration[{library.extra}]'.",
        ) from None
    return found


def _misfits(file: _ExecutorFile) -> Iterator[Misfit]:
    """What the file names too much of, what Dagster does not take of the config, and what it must not store."""
    if not file.given:
        yield (" | ".join(EXECUTORS),), "one of them is missing"
        return
    name, *others = file.given
    yield from (((each,), f"a run has one executor, and {name} is one") for each in others)
    config = getattr(file, name)
    if told := list(_unusable_texts(config, (name,))):
        yield from told
        return
    job = dg.GraphDefinition(name="judged").to_job(executor_def=_dagsters(name))
    executor = ChosenExecutor(name=name, config=config)
    try:
        dg.validate_run_config(job, {"execution": {"config": executor.run_config}})
    except dg.DagsterInvalidConfigError as error:
        yield from (_misfit(each, executor) for each in error.errors)
    if name == "k8s":
        yield from _misfits_of_pods(file.source_tags)


def _misfits_of_pods(tags: Mapping[str, str]) -> Iterator[Misfit]:
    """Of the tags that pods are made by: Dagster would find them when it makes the first one."""
    try:
        importlib.import_module("dagster_k8s.job").get_user_defined_k8s_config(tags)
    except dg.DagsterInvalidConfigError as error:
        for each in error.errors:
            place = [name for entry in each.stack.entries for name in _steps(entry)]
            yield ("source_tags", _POD_TAG, *place), _told(each)
    except Exception as error:  # What is wrong within a pod, its models of the API say so.
        yield ("source_tags", _POD_TAG), str(error).rstrip(".")


def _misfit(error: Any, executor: ChosenExecutor) -> Misfit:
    """A mistake as Dagster has found it, by its place in the file."""
    place = [name for entry in error.stack.entries for name in _steps(entry)]
    # Before it: `execution`, `config`, and the name where Dagster has it, too.
    inner = place[2:] if executor.name in _LIBRARIES else place[3:]
    return (executor.name, *inner), _told(error)


def _told(error: Any) -> str:
    """What Dagster says of a mistake, without its place and all that could stand there."""
    told, _, _ = error.message.partition("\n")[0].partition(' Expected: "')
    return re.sub(r" at path root:\S*?(?=\.? |\.?$)", "", told).rstrip(".")


def _steps(entry: Any) -> Iterator[str]:
    """What a step of Dagster's path is in the file: a field, or a position in a list; nothing of Dagster's own."""
    for attribute in ("field_name", "list_index", "map_key"):
        if hasattr(entry, attribute):
            yield str(getattr(entry, attribute))


def _unusable_texts(given: Any, place: tuple[str, ...]) -> Iterator[Misfit]:
    """Passwords, since Dagster stores the config with each run and shows it; variables that are not set."""
    if isinstance(given, str) and has_password(given):
        yield place, "holds a password: name a variable of the environment instead, as in {env: BROKER_URL}"
    elif isinstance(given, dict) and given.keys() == {"env"} and isinstance(given["env"], str):
        if not value_in_environment(given["env"]):
            yield place, f"the environment has no variable {given['env']}"
    elif isinstance(given, dict | list):
        steps = given.items() if isinstance(given, dict) else enumerate(given)
        for step, value in steps:
            yield from _unusable_texts(value, (*place, str(step)))
