"""The models that make vectors: opened when a step first needs one, and closed when the run ends."""

from collections.abc import Iterator

import dagster as dg

from weaviate_migration.defs.resources.batches import BatchSettings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder


def open_models_resource(work_folder: WorkFolder, batches: str, most_calls: int | None) -> dg.ResourceDefinition:
    """One for all steps of a process.

    Args:
        batches: the key of the resource that says how often a call is repeated.
        most_calls: how often a run may ask models; None: any number of times.
    """

    def opened(context: dg.InitResourceContext) -> Iterator[OpenModels]:
        limits: BatchSettings = getattr(context.resources, batches)
        run = context.run.run_id if context.run else None
        with OpenModels(work_folder.vector_cache_place, limits, most_calls, run) as models:
            yield models

    return dg.ResourceDefinition(
        opened,
        required_resource_keys={batches},
        description="The mapping's models that make vectors, with the cache of what they have made.",
    )
