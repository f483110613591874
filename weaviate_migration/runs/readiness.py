"""Whether a migration is loaded and proven: read from Dagster's storage, whatever runs and backfills it took.

Blocking checks stop what is downstream in their own run only, and a backfill from the UI may be several runs.
"""

from collections.abc import Iterator

import dagster as dg

from weaviate_migration.base.errors import DifferencesError
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.runs.checks import AssetGraph, CheckReport, check_report
from weaviate_migration.runs.materializations import newest_by_partition
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.work_folder.record import MigrationRecord

SHOWN_CHECKS = 5


def refuse_unproven(
    instance: dg.DagsterInstance, names: DagsterNames, graph: AssetGraph, mapping: Mapping, record: MigrationRecord
) -> None:
    """Holds that all of a migration is loaded, and that every blocking check passed on what was loaded last.

    Args:
        graph: has the assets and checks of the mapping.

    Raises:
        DifferencesError: something is not loaded by this migration, or a blocking check failed, never ran, or ran
            before the last materialization; the first of them are named.
    """
    if lacking := not_loaded(instance, names, mapping, record):
        raise DifferencesError(
            f"Migration {record.id} has not loaded everything ({'; '.join(lacking)}): the aliases are not moved.",
            "`weaviate-migration migrate` goes on with it.",
        )
    if failing := _failing(check_report(instance, graph)):
        shown = "; ".join(failing[:SHOWN_CHECKS]) + ("; …" if len(failing) > SHOWN_CHECKS else "")
        raise DifferencesError(
            f"{len(failing)} blocking checks have not passed ({shown}): the aliases are not moved.",
            "`weaviate-migration checks` shows them all, `weaviate-migration verify` runs them again.",
        )


def not_loaded(
    instance: dg.DagsterInstance, names: DagsterNames, mapping: Mapping, record: MigrationRecord
) -> list[str]:
    """What of the migration's collections is not loaded yet: `note, partitions 03, 07`; none, when all is."""
    lacking = []
    for each in mapping.collections:
        if missing := missing_partitions(instance, names.asset(each.asset_name), each, record):
            lacking.append(f"{each.asset_name}, partitions {', '.join(missing)}")
    return lacking


def missing_partitions(
    instance: dg.DagsterInstance, asset: dg.AssetKey, collection: CollectionMapping, record: MigrationRecord
) -> list[str]:
    """The partitions of a collection, which is this asset, that are not loaded yet.

    What another migration loaded does not count: assets are the same for all.
    """
    loaded = set(_loaded_partitions(instance, asset, collection, record))
    return [key for key in record.partition_keys if key not in loaded]


def _loaded_partitions(
    instance: dg.DagsterInstance, asset: dg.AssetKey, collection: CollectionMapping, record: MigrationRecord
) -> Iterator[str]:
    """The partitions whose newest materialization went into this migration's collection."""
    for partition, found in newest_by_partition(instance, asset).items():
        into = found.asset_materialization.metadata.get("collection") if found.asset_materialization else None
        if into is not None and into.value == record.collection(collection):
            yield partition


def _failing(report: CheckReport) -> list[str]:
    """The blocking checks that prove nothing, each with what is known of it: `note: count, partition 03: failed`."""
    return [f"{group.where}: {group.worst.status}" for group in report.not_passed if group.worst.proves_nothing]
