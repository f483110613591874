"""The work folder, as the steps get it; while a step has it, who waits for the step is given signs of life."""

import os
import signal
from collections.abc import Iterator

import dagster as dg

from weaviate_migration.runs.awaited_run import AWAITED_TAG
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.heartbeats import Heartbeats

# It sets what a signal does, where steps run in the main thread of a process.
_DAGSTERS_HANDLERS = "dagster._utils.interrupts"


def work_folder_resource(work_folder: WorkFolder, description: str) -> dg.ResourceDefinition:
    """The work folder."""

    def opened(context: dg.InitResourceContext) -> Iterator[WorkFolder]:
        if context.run is None or AWAITED_TAG not in context.run.tags:
            yield work_folder
            return
        with Heartbeats(work_folder.store, context.run.run_id).beating(_interrupt):
            yield work_folder

    return dg.ResourceDefinition(opened, description=description)


def _interrupt() -> None:
    """Ends the step of this process as Ctrl-C would; one in a thread of a worker goes on, and loses nothing."""
    if getattr(signal.getsignal(signal.SIGTERM), "__module__", "") == _DAGSTERS_HANDLERS:
        os.kill(os.getpid(), signal.SIGTERM)
