"""Whether a migration could go through, and what it would take: looked at before anything is begun."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from weaviate import WeaviateClient

from weaviate_migration.api.server_session import opened_with_server
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.phases.preflight.look import check_thoroughly
from weaviate_migration.phases.preflight.mapping_choice import mapping_to_migrate
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.checklist import Checklist, ChecklistItem

if TYPE_CHECKING:
    from weaviate_migration.runs.executors import ChosenExecutor  # It takes Dagster.


def check_preflight(config: MigrationConfig) -> Checklist:
    """Looks at everything that a migration with these settings needs, and stores what it found in the work folder.

    What is made for it, collections on trial, is gone at its end.

    Raises:
        ConfigurationError: the settings themselves are wrong: no such file, no such mapping, no address, queries that
            do not fit the mapping, a file of the executor that is wrong.
        MigrationConflictError: a migration is running in the work folder.
        SourceError: the file is locked or damaged, so that it cannot even be opened.
    """
    executor = _executor_of(config)
    workers = _workers_of(executor)
    with opened_with_server(config, mapping_to_migrate) as session:

        def connect() -> tuple[WeaviateClient, ServerAddress]:
            address = session.start_server()
            return session.connect_to(address, session.mapping.headers), address

        mapping = session.mapping
        session.work_folder.queries.current(config.queries, mapping)
        session.lock("preflight")
        workers += _looked_from_worker(config, executor, workers)
        # No limit: what costs money is not asked here.
        models = session.parts.enter_context(OpenModels(session.work_folder.vector_cache_place, config))
        return check_thoroughly(
            config, mapping, connect, models, workers, executor.processes if executor else config.processes
        )


def _executor_of(config: MigrationConfig) -> "ChosenExecutor | None":
    """That of the settings' file; without one Dagster is not imported."""
    if config.executor is None:
        return None
    executors = importlib.import_module("weaviate_migration.runs.executors")
    chosen: ChosenExecutor = executors.read_executor(config.executor)
    return chosen


def _workers_of(executor: "ChosenExecutor | None") -> list[ChecklistItem]:
    """Whether somebody takes the steps, where the settings have workers do so."""
    if executor is None:
        return []
    workers = importlib.import_module("weaviate_migration.runs.workers")
    found: list[ChecklistItem] = workers.checked_workers(executor)
    return found


def _looked_from_worker(
    config: MigrationConfig, executor: "ChosenExecutor | None", workers: Sequence[ChecklistItem]
) -> list[ChecklistItem]:
    """What a worker reaches, where there may be one."""
    if not workers or any(each.verdict == "failed" for each in workers):
        return []
    look = importlib.import_module("weaviate_migration.runs.worker_look")
    found: list[ChecklistItem] = look.looked_from_worker(config, executor)
    return found
