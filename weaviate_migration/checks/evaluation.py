"""Stores a check's evaluation on one partition, in runs of one partition and of a range alike.

A returned `AssetCheckResult` cannot do that: in a run of several partitions Dagster 1.13 stores it without a partition,
while the partitions' own rows stay planned. The evaluation itself can, if it says which materialization it is about.
That class has no public path; a test holds that it is here, and that the UI's query finds what is stored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from weaviate_migration.check_results import CheckResults, CheckVerdict
from weaviate_migration.partitions import PARTITIONS


def partitioned_check(name: str, asset: str, extract: str, description: str) -> dg.AssetCheckSpec:
    """A blocking check that is stored for each partition.

    Args:
        extract: the asset that it compares with: where a run makes both, it comes first.
    """
    return dg.AssetCheckSpec(
        name,
        asset=asset,
        partitions_def=PARTITIONS,
        blocking=True,
        description=description,
        additional_deps=[extract],
    )


def check_verdict(check: str, passed: bool, severity: dg.AssetCheckSeverity) -> CheckVerdict:
    """What a check says, in a word."""
    failure = "warned" if severity is dg.AssetCheckSeverity.WARN else "failed"
    return CheckVerdict(check, "passed" if passed else failure)


class EvaluationWriter:
    """Makes the evaluations of one asset's checks in one run, each about the latest materialization.

    Args:
        asset: the asset that is checked.
        partitions: those that the run is about.
        results: gets what each evaluation says, for who watches the work folder.
    """

    def __init__(
        self,
        context: dg.AssetCheckExecutionContext,
        asset: dg.AssetKey,
        partitions: Sequence[str],
        results: CheckResults,
    ) -> None:
        self._instance = context.instance
        self._asset = asset
        self._results = results
        # All at once: the run has just materialized them, so the newest are, as a rule, one for each partition.
        newest = self._newest(partitions, limit=len(partitions))
        self._known: dict[str | None, dg.EventLogRecord | None] = {
            record.partition_key: record for record in reversed(newest)
        }

    def evaluation(
        self,
        spec: dg.AssetCheckSpec,
        *,
        passed: bool,
        description: str,
        metadata: Mapping[str, Any],
        partition: str | None = None,
        severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    ) -> dg.AssetCheckEvaluation:
        """The evaluation of a check, for a partition or (None) for the asset as a whole."""
        self._results.note(check_verdict(spec.name, passed, severity), partition)
        return dg.AssetCheckEvaluation(
            asset_key=spec.asset_key,
            check_name=spec.name,
            passed=passed,
            severity=severity,
            blocking=spec.blocking,
            description=description,
            metadata=metadata,
            partition=partition,
            target_materialization_data=self._target(partition),
        )

    def _target(self, partition: str | None) -> AssetCheckEvaluationTargetMaterializationData | None:
        if partition not in self._known:
            newest = self._newest([partition] if partition is not None else None, limit=1)
            self._known[partition] = newest[0] if newest else None
        record = self._known[partition]
        if record is None:
            return None
        return AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.event_log_entry.run_id, timestamp=record.timestamp
        )

    def _newest(self, partitions: Sequence[str] | None, limit: int) -> Sequence[dg.EventLogRecord]:
        wanted = dg.AssetRecordsFilter(asset_key=self._asset, asset_partitions=partitions)
        found: Sequence[dg.EventLogRecord] = self._instance.fetch_materializations(wanted, limit=limit).records
        return found
