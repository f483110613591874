"""An event of each type that Dagster has, and log records, as a storage gets them."""

from collections.abc import Iterator

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.definitions.asset_health.asset_health import AssetHealthStatus
from dagster._core.definitions.events import (
    AssetMaterializationFailure,
    AssetMaterializationFailureReason,
    AssetMaterializationFailureType,
)
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange, FreshnessStateEvaluation
from dagster._core.definitions.partitions.subset import DefaultPartitionsSubset
from dagster._core.events import (
    AssetFailedToMaterializeData,
    AssetHealthChangedData,
    AssetMaterializationPlannedData,
    AssetObservationData,
    AssetWipedData,
    DagsterEvent,
    DagsterEventType,
    EngineEventData,
    EventSpecificData,
    HookErroredData,
    JobFailureData,
    RunFailureReason,
    StepExpectationResultData,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.inputs import StepInputData
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData, TypeCheckData
from dagster._core.execution.plan.outputs import StepOutputData, StepOutputHandle
from dagster_shared.error import SerializableErrorInfo

RUN_ID = "4f2d6a0e-0000-4000-8000-000000000001"
ASSET = dg.AssetKey(["letters", "sent"])
OTHER_ASSET = dg.AssetKey("drafts")
PARTITIONS = ["a", "b", "c"]
BEGAN = 1_700_000_000.0
_ERROR = SerializableErrorInfo("no such table\n", ["line 1\n"], "OperationalError")
_ENGINE = EngineEventData(metadata={"pid": dg.MetadataValue.int(17)}, marker_start="process", error=_ERROR)
_CHECKED = DefaultPartitionsSubset(set(PARTITIONS[:2]))


def every_event(run_id: str = RUN_ID) -> list[EventLogEntry]:
    """A run's events in their order, those with partitions and evaluations several times."""
    events = [_entry(number, run_id, kind, data) for number, (kind, data) in enumerate(_events(run_id))]
    return [*events, *_log_records(run_id, len(events))]


def every_readable_event(run_id: str = RUN_ID) -> list[EventLogEntry]:
    """Without a type that nothing writes any more: Dagster turns what is stored of it into another one."""
    old = DagsterEventType.ASSET_STORE_OPERATION
    return [event for event in every_event(run_id) if event.dagster_event_type is not old]


def _events(run_id: str) -> Iterator[tuple[DagsterEventType, EventSpecificData | None]]:
    special = dict(_of_one_type())
    for kind in DagsterEventType:
        match kind:
            case DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
                yield kind, AssetMaterializationPlannedData(ASSET, partitions_subset=DefaultPartitionsSubset({"b"}))
                yield from ((kind, AssetMaterializationPlannedData(ASSET, partition=key)) for key in PARTITIONS)
                yield kind, AssetMaterializationPlannedData(OTHER_ASSET)
            case DagsterEventType.ASSET_MATERIALIZATION:
                yield from ((kind, _materialization(ASSET, key)) for key in PARTITIONS)
                yield kind, _materialization(OTHER_ASSET, None)
            case DagsterEventType.ASSET_OBSERVATION:
                yield from ((kind, _observation(key)) for key in [*PARTITIONS, None])
            case DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                yield kind, AssetCheckEvaluationPlanned(asset_key=ASSET, check_name="count", partitions_subset=_CHECKED)
                yield kind, AssetCheckEvaluationPlanned(asset_key=ASSET, check_name="types")
                yield kind, AssetCheckEvaluationPlanned(asset_key=OTHER_ASSET, check_name="never")
            case DagsterEventType.ASSET_CHECK_EVALUATION:
                yield kind, _evaluation(run_id, "count", "a", passed=True)
                yield kind, _evaluation(run_id, "count", "b", passed=False)
                yield kind, _evaluation(run_id, "types", None, passed=True)
                yield kind, _evaluation(run_id, "not planned", None, passed=False)
            case _:
                yield kind, special.get(kind)


def _of_one_type() -> Iterator[tuple[DagsterEventType, EventSpecificData]]:
    checked = TypeCheckData(True, "result", metadata={"rows": 3})  # type: ignore[no-untyped-call]
    yield DagsterEventType.STEP_OUTPUT, StepOutputData(StepOutputHandle("load"), checked)
    yield DagsterEventType.STEP_INPUT, StepInputData(input_name="extract", type_check_data=checked)
    yield DagsterEventType.STEP_FAILURE, StepFailureData(_ERROR, None)  # type: ignore[no-untyped-call]
    yield DagsterEventType.STEP_SUCCESS, StepSuccessData(12.5)  # type: ignore[no-untyped-call]
    yield DagsterEventType.STEP_EXPECTATION_RESULT, StepExpectationResultData(dg.ExpectationResult(True, "all there"))
    yield DagsterEventType.HOOK_ERRORED, HookErroredData(_ERROR)
    yield DagsterEventType.RUN_FAILURE, JobFailureData(_ERROR, RunFailureReason.STEP_FAILURE)
    yield DagsterEventType.ASSET_FAILED_TO_MATERIALIZE, AssetFailedToMaterializeData(_failure(), _ERROR)
    yield (
        DagsterEventType.FRESHNESS_STATE_EVALUATION,
        FreshnessStateEvaluation(key=ASSET, freshness_state=FreshnessState.PASS),
    )
    yield (
        DagsterEventType.FRESHNESS_STATE_CHANGE,
        FreshnessStateChange(
            key=ASSET, new_state=FreshnessState.WARN, previous_state=FreshnessState.PASS, state_change_timestamp=BEGAN
        ),
    )
    yield (
        DagsterEventType.ASSET_HEALTH_CHANGED,
        AssetHealthChangedData(
            asset_key=ASSET,
            previous_health_state=AssetHealthStatus.HEALTHY,
            new_health_state=AssetHealthStatus.DEGRADED,
        ),
    )
    yield DagsterEventType.ASSET_WIPED, AssetWipedData(asset_key=ASSET, partition_keys=["c"])
    for kind in (
        *(DagsterEventType.ENGINE_EVENT, DagsterEventType.STEP_WORKER_STARTING, DagsterEventType.STEP_WORKER_STARTED),
        *(DagsterEventType.RESOURCE_INIT_STARTED, DagsterEventType.RESOURCE_INIT_SUCCESS),
        DagsterEventType.RESOURCE_INIT_FAILURE,
    ):
        yield kind, _ENGINE


def _entry(number: int, run_id: str, kind: DagsterEventType, data: EventSpecificData | None) -> EventLogEntry:
    event = DagsterEvent(kind.value, "migrate", step_key="load", event_specific_data=data, message=f"no. {number} €")
    return EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None,
        level="debug",
        user_message="",
        run_id=run_id,
        timestamp=BEGAN + number / 8,
        step_key="load",
        job_name="migrate",
        dagster_event=event,
    )


def _log_records(run_id: str, number: int) -> list[EventLogEntry]:
    moment = BEGAN + number / 8
    plain = EventLogEntry(None, "info", "3 rows read", run_id, moment, "load", "migrate")  # type: ignore[no-untyped-call]
    return [plain, plain._replace(error_info=_ERROR, level=40, step_key=None)]


def _materialization(key: dg.AssetKey, partition: str | None) -> StepMaterializationData:
    return StepMaterializationData(
        dg.AssetMaterialization(
            key,
            partition=partition,
            metadata={"dagster/row_count": 3, "text": "€\x00\u2028"},
            tags={"dagster/data_version": f"v{partition}", "plain": "tag"},
        )
    )


def _observation(partition: str | None) -> AssetObservationData:
    return AssetObservationData(dg.AssetObservation(ASSET, partition=partition, tags={"dagster/data_version": "seen"}))


def _evaluation(run_id: str, name: str, partition: str | None, *, passed: bool) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=ASSET,
        check_name=name,
        passed=passed,
        metadata={"differences": 0},
        partition=partition,
        blocking=True,
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=1, run_id=run_id, timestamp=BEGAN
        ),
    )


def _failure() -> AssetMaterializationFailure:
    return AssetMaterializationFailure(
        OTHER_ASSET,
        AssetMaterializationFailureType.FAILED,
        AssetMaterializationFailureReason.FAILED_TO_MATERIALIZE,
    )
