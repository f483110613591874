"""A run that is to be made, as plain values: for this process, or for one of its own that gets it through a pipe."""

from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import build_reconstructable_job
from pydantic import BaseModel, ConfigDict


class RunOrder(BaseModel):
    """A run that is to be made.

    Attributes:
        job: what `recipe` makes the job from, in this process and in those of the steps.
        recipe: the full name of a function.
        run_config: of the run.
        tags: of the run.
        selection: the keys of the assets to materialize, each as its parts; None for all of the job.
        checks: those to run, each as the parts of its asset's key and its name; None for all of the assets.
    """

    model_config = ConfigDict(frozen=True)

    job: dict[str, Any]
    run_config: dict[str, Any]
    tags: dict[str, str]
    selection: tuple[tuple[str, ...], ...] | None
    checks: tuple[tuple[tuple[str, ...], str], ...] | None = None
    recipe: str = "weaviate_migration.defs.build.job_for_run"

    def execute(self, instance: dg.DagsterInstance) -> dg.JobExecutionResult:
        """Makes the run, and stores it in the instance; whether it fails is in its events."""
        module, _, function = self.recipe.rpartition(".")
        recipe = build_reconstructable_job(module, function, reconstructable_kwargs=self.job)
        chosen = None if self.selection is None else [dg.AssetKey(each) for each in self.selection]
        if chosen is not None and self.checks is not None:
            checks = frozenset(dg.AssetCheckKey(dg.AssetKey(asset), name) for asset, name in self.checks)
            recipe = recipe.get_subset(asset_selection=frozenset(chosen), asset_check_selection=checks)
            chosen = None  # Dagster would add the other checks again.
        return dg.execute_job(recipe, instance, run_config=self.run_config, tags=self.tags, asset_selection=chosen)
