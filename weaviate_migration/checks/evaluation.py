"""Stores a check's evaluation on one partition, in runs of one partition and of a range alike.

A returned `AssetCheckResult` cannot do that: in a run of several partitions Dagster 1.13 stores it without a partition,
while the partitions' own rows stay planned. The evaluation itself can, if it says which materialization it is about.
That class has no public path; a test holds that it is here, and that the UI's query finds what is stored.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from weaviate_migration.partitions import PARTITIONS


def partitioned_check(name: str, asset: str, description: str) -> dg.AssetCheckSpec:
    """A blocking check that is stored for each partition."""
    with warnings.catch_warnings():
        # Partitioned checks are a preview in Dagster 1.13. What we use of them is held by this file's tests.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, partitions_def=PARTITIONS, blocking=True, description=description)


def evaluation(
    context: dg.AssetCheckExecutionContext,
    spec: dg.AssetCheckSpec,
    *,
    passed: bool,
    description: str,
    metadata: Mapping[str, Any],
    partition: str | None = None,
) -> dg.AssetCheckEvaluation:
    """The evaluation of a check, for a partition or (None) for the asset as a whole."""
    return dg.AssetCheckEvaluation(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=passed,
        blocking=spec.blocking,
        description=description,
        metadata=metadata,
        partition=partition,
        target_materialization_data=_latest_materialization(context, spec.asset_key, partition),
    )


def _latest_materialization(
    context: dg.AssetCheckExecutionContext, asset: dg.AssetKey, partition: str | None
) -> AssetCheckEvaluationTargetMaterializationData | None:
    partitions = None if partition is None else [partition]
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=partitions), limit=1
    ).records
    if not records:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=records[0].storage_id,
        run_id=records[0].event_log_entry.run_id,
        timestamp=records[0].timestamp,
    )
