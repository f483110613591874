"""Whether somebody takes the steps that an executor hands out: asked before they wait for ever."""

import asyncio
import importlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import dagster as dg

from weaviate_migration.runs.executors import ChosenExecutor
from weaviate_migration.work_folder.checklist import ChecklistItem

# Workers answer within milliseconds; those of a busy machine may take longer, and are asked again.
_ANSWER_SECONDS = 3.0
_QUESTIONS_ASKED = 3
_QUEUE_TAG = "dagster-celery/queue"
_NONE_AHEAD = "worker_disable_prefetch"


def absent_workers(executor: ChosenExecutor) -> str:
    """What is missing of those that would take the steps, as a sentence; '' where somebody is there, or none is asked.

    Pods of Kubernetes are made for each step, and a Dask cluster of one's own with the run: nobody waits there yet.
    """
    ask = _QUESTIONS.get(executor.name)
    return ask(_resolved(executor), dict(executor.source_tags)) if ask else ""


def checked_workers(executor: ChosenExecutor) -> list[ChecklistItem]:
    """The item of the preflight; none where the steps run on this machine."""
    if not executor.is_elsewhere:
        return []
    if absent := absent_workers(executor):
        return [ChecklistItem("workers", "failed", absent, "Start one, or correct --executor.")]
    if begun := _begun_with_run(executor):
        return [ChecklistItem("workers", "skipped", begun)]
    if executor.name == "celery" and (ahead := _taking_ahead(_resolved(executor))):
        return [
            ChecklistItem("workers", "warned", ahead, f"Start them with {_NONE_AHEAD}: true in their config_source.")
        ]
    return [ChecklistItem("workers", "passed", f"{executor.name}: somebody takes the steps")]


def _begun_with_run(executor: ChosenExecutor) -> str:
    """Why no worker can be there before there is a run, as a sentence; '' where one can."""
    if executor.name == "k8s":
        return "Kubernetes makes a pod for each step"
    if executor.name == "dask" and "existing" not in _resolved(executor)["cluster"]:
        return "Dask starts its workers with the run"
    return ""


def _resolved(executor: ChosenExecutor) -> Mapping[str, Any]:
    """The config, with what the environment holds and with Dagster's defaults."""
    job = dg.GraphDefinition(name="asked").to_job(executor_def=executor.definition)
    checked = dg.validate_run_config(job, {"execution": {"config": executor.run_config}})
    (config,) = checked["execution"].values()
    return config  # type: ignore[no-any-return]


def _absent_of_celery(config: Mapping[str, Any], source_tags: Mapping[str, str]) -> str:
    """Each queue that gets steps needs a worker that listens to it."""
    try:
        with _celery_app(config) as app:
            wanted = {app.conf.task_default_queue, source_tags.get(_QUEUE_TAG, app.conf.task_default_queue)}
            missing = _unserved(app, wanted)
    except Exception as error:  # Each broker's library has errors of its own for addresses and logins.
        return _told_of_place("Celery's broker", error, importlib.import_module("kombu.exceptions").OperationalError)
    if missing:
        return f"No worker of Celery listens to {' and '.join(f'the queue `{each}`' for each in sorted(missing))}."
    return ""


def _told_of_place(place: str, error: Exception, *unreached: type[Exception]) -> str:
    """What is wrong with where steps are handed out, as a sentence.

    Args:
        unreached: errors that say that nobody answers there, beside those of the system; others are of what was given.
    """
    said = str(error.args[0] if isinstance(error, KeyError) and error.args else error).rstrip(".")
    if isinstance(error, (OSError, *unreached)):
        return f"{place} cannot be reached: {said or 'no answer'}."
    return f"{place} cannot be used: {': '.join(filter(None, (type(error).__name__, said)))}."


def _taking_ahead(config: Mapping[str, Any]) -> str:
    """Which workers take a task while they are at another one, as a sentence; '' where none does, or none can be told.

    With Redis alone can it be told to them: https://docs.celeryq.dev/en/stable/userguide/configuration.html
    """
    with suppress(Exception), _celery_app(config) as app:  # They have just answered: who is gone now, is missed later.
        if app.connection_for_read().transport.driver_type == "redis":
            answers = app.control.inspect(timeout=_ANSWER_SECONDS).conf() or {}
            if ahead := sorted(worker for worker, settings in answers.items() if not settings.get(_NONE_AHEAD)):
                return f"{', '.join(ahead)}: a task that is taken ahead waits there, and is lost with the worker"
    return ""


@contextmanager
def _celery_app(config: Mapping[str, Any]) -> Iterator[Any]:
    """The app of the executor, whose broker answers."""
    executor = importlib.import_module("dagster_celery.executor").CeleryExecutor
    given = {name: config.get(name) for name in ("broker", "backend", "include", "config_source")}
    app = importlib.import_module("dagster_celery.make_app").make_app(executor.for_cli(**given).app_args())
    try:
        with app, app.connection_for_read(connect_timeout=_ANSWER_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_ANSWER_SECONDS)
            yield app
    finally:
        # Celery asks through connections that stay open: a fork would wait for what is awaited on them, for ever.
        importlib.import_module("kombu.pools").reset()


def _unserved(app: Any, queues: set[str]) -> set[str]:
    """Those of an app's queues to which no worker listens that answers in time."""
    missing = set(queues)
    for _ in range(_QUESTIONS_ASKED):
        answers = app.control.inspect(timeout=_ANSWER_SECONDS).active_queues() or {}
        missing -= {queue["name"] for listened in answers.values() for queue in listened}
        if not missing:
            break
    return missing


def _absent_of_dask(config: Mapping[str, Any], _source_tags: Mapping[str, str]) -> str:
    """A scheduler that was there before the run has workers."""
    if (existing := config["cluster"].get("existing")) is None:
        return ""
    place = f"Dask's scheduler at {existing['address']}"
    try:
        with ThreadPoolExecutor(1) as thread:  # Who calls may have a loop of events that runs, as a notebook has.
            is_served = bool(thread.submit(asyncio.run, _workers_of_dask(existing["address"])).result())
    except Exception as error:  # Dask has others for what is no address, and where TLS is not set up.
        return _told_of_place(place, error)
    return "" if is_served else f"{place} has no worker."


async def _workers_of_dask(address: str) -> Mapping[str, Any]:
    """Asks a scheduler, and waits for its answer for a while; a client of Dask was seen to wait for ever."""
    rpc = importlib.import_module("distributed").rpc
    async with asyncio.timeout(_ANSWER_SECONDS), rpc(address, timeout=_ANSWER_SECONDS) as scheduler:
        workers: Mapping[str, Any] = (await scheduler.identity())["workers"]
        return workers


_QUESTIONS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str]], str]] = {
    "celery": _absent_of_celery,
    "dask": _absent_of_dask,
}
