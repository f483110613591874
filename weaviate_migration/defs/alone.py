"""One run or command at a time changes what is on record of a migration."""

from contextlib import AbstractContextManager, nullcontext

import dagster as dg

from weaviate_migration.runs.runner import PROCESS_TAG
from weaviate_migration.work_folder.folder import WorkFolder


def alone_in(work_folder: WorkFolder, context: dg.AssetExecutionContext) -> AbstractContextManager[None]:
    """Holds the lock of the work folder while a step works, unless the command that has begun its run holds it.

    Raises:
        MigrationConflictError: a command or another run has it.
    """
    if PROCESS_TAG in context.run.tags:
        return nullcontext()
    return work_folder.locked(f"run {context.run.run_id} of Dagster")
