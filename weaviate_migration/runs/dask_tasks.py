"""Dagster's executor for Dask, without two of its traps, and one of Dask's; private parts of both are used.

In all of a cluster Dask knows a task by its name, and Dagster names it by job and step. Of two runs side by side, or of
one that was given up and the one in its place, only one would be carried out, and both told the same. And a step is
carried out there though one has failed that it depends on. Dask itself looks a hundred times a second at what the
threads of a worker do, in a way in which CPython may stand still for ever.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import dagster_dask.executor as dagsters
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from distributed import get_worker

_carry_out_anyway = dagsters.query_on_dask_worker


def carry_out(dependencies: Sequence[Sequence[dg.DagsterEvent]], *order: Any) -> Sequence[dg.DagsterEvent]:
    """Carries out a step, on a worker, where all has gone well that it depends on.

    Args:
        dependencies: the events of each step that it depends on; none of one that was not carried out.
        order: what Dagster gives its own worker.

    Returns:
        The events of the step.
    """
    if not all(events and not any(each.is_step_failure for each in events) for events in dependencies):
        return []
    _end_profiling()
    return _carry_out_anyway(dependencies, *order)


def _end_profiling() -> None:
    """Has this worker look no more at what its threads do.

    `sys._current_frames` was seen to hold the whole process for ever while a thread began: the comparison begins many.
    """
    worker = get_worker()
    for name in ("profile", "profile-cycle"):
        if (looks := worker.periodic_callbacks.get(name)) is not None:
            worker.loop.add_callback(looks.stop)


dagsters.query_on_dask_worker = carry_out  # type: ignore[assignment]


class _OfOneRun(PlanOrchestrationContext):
    """Names tasks by the run, too."""

    @property
    def job_name(self) -> str:
        return f"{super().job_name}.{self.run_id}"


class _DaskExecutor(dagsters.DaskExecutor):
    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        of_run = _OfOneRun(
            plan_context.plan_data,
            plan_context.log,
            plan_context.executor,
            plan_context.output_capture,
            plan_context.resume_from_failure,
        )
        yield from super().execute(of_run, execution_plan)


@dg.executor(
    name="dask",
    config_schema=dagsters.dask_executor.config_schema.config_type,
    requirements=dg.multiple_process_executor_requirements(),
)
def dask_executor(context: dg.InitExecutorContext) -> dg.Executor:
    """The executor, which takes the config of Dagster's."""
    clusters: Any = context.executor_config["cluster"]
    ((kind, settings),) = clusters.items()
    return _DaskExecutor(kind, settings)  # type: ignore[no-untyped-call]
