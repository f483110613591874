"""Stores a check's evaluation on one partition, in runs of one partition and of a range alike.

A returned `AssetCheckResult` cannot do that: in a run of several partitions Dagster 1.13 stores it without a partition,
while the partitions' own rows stay planned. The evaluation itself can, if it says which materialization it is about.
That class has no public path; a test holds that it is here, and that the UI's query finds what is stored.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from weaviate_migration.defs.checks.findings import Finding
from weaviate_migration.defs.groups import partitioned
from weaviate_migration.runs.materializations import newest_by_partition, newest_of_assets
from weaviate_migration.work_folder.check_results import CheckResults, CheckVerdict


def partitioned_check(
    name: str, partitions: int, asset: dg.AssetKey, extract: dg.AssetKey, description: str
) -> dg.AssetCheckSpec:
    """A blocking check that is stored for each partition.

    Args:
        partitions: how many there are.
        extract: the asset that it compares with: where a run makes both, it comes first.
    """
    return dg.AssetCheckSpec(
        name,
        asset=asset,
        partitions_def=partitioned(partitions),
        blocking=True,
        description=description,
        additional_deps=[extract],
    )


def check_verdict(check: str, passed: bool, severity: dg.AssetCheckSeverity) -> CheckVerdict:
    """What a check says, in a word."""
    failure = "warned" if severity is dg.AssetCheckSeverity.WARN else "failed"
    return CheckVerdict(check, "passed" if passed else failure)


def noted(finding: Finding, spec: dg.AssetCheckSpec, results: CheckResults) -> dg.AssetCheckResult:
    """The result of a check that is stored once for its asset; what it says is noted for the live view."""
    results.note([check_verdict(spec.name, finding["passed"], finding["severity"])], None)
    return dg.AssetCheckResult(asset_key=spec.asset_key, check_name=spec.name, **finding)


class EvaluationWriter:
    """Makes the evaluations of one asset's checks in one run, each about the latest materialization.

    Args:
        asset: the asset that is checked.
        specs: of its checks, by name.
        results: gets what each evaluation says; the live view reads it there.
    """

    def __init__(
        self,
        context: dg.AssetCheckExecutionContext,
        asset: dg.AssetKey,
        specs: Mapping[str, dg.AssetCheckSpec],
        results: CheckResults,
    ) -> None:
        self._specs = specs
        self._results = results
        self._newest_by_partition = newest_by_partition(context.instance, asset)
        self._newest_of_asset = newest_of_assets(context.instance, [asset]).get(asset)

    def evaluations(
        self, findings: Mapping[str, Finding], partition: str | None = None
    ) -> Iterator[dg.AssetCheckEvaluation]:
        """The evaluations of some checks, by name, for a partition or (None) for the asset as a whole.

        What they say is noted at once: a file for each evaluation costs more than what it says.
        """
        verdicts = [check_verdict(name, each["passed"], each["severity"]) for name, each in findings.items()]
        self._results.note(verdicts, partition)
        for name, finding in findings.items():
            yield dg.AssetCheckEvaluation(
                asset_key=self._specs[name].asset_key,
                check_name=name,
                blocking=self._specs[name].blocking,
                partition=partition,
                target_materialization_data=self._target(partition),
                **finding,
            )

    def _target(self, partition: str | None) -> AssetCheckEvaluationTargetMaterializationData | None:
        record = self._newest_of_asset if partition is None else self._newest_by_partition.get(partition)
        if record is None:
            return None
        return AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.event_log_entry.run_id, timestamp=record.timestamp
        )
