"""The newest materializations of an asset, read at once for all of its partitions."""

import dagster as dg


def newest_by_partition(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str, dg.EventLogRecord]:
    """For each partition of the asset that was ever materialized, its newest materialization."""
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    if not newest:
        return {}
    wanted = dg.AssetRecordsFilter(asset_key=asset, storage_ids=list(newest.values()))
    found = instance.fetch_materializations(wanted, limit=len(newest)).records
    return {each.partition_key: each for each in found if each.partition_key is not None}


def newest_of_asset(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dg.EventLogRecord | None:
    """The newest materialization of the asset, whatever the partition; None where there never was one."""
    return next(iter(instance.fetch_materializations(asset, limit=1).records), None)
