"""The newest materializations of assets, read at once for all partitions of an asset, or for all assets."""

from collections.abc import Iterable, Mapping

import dagster as dg


def newest_ids(instance: dg.DagsterInstance, asset: dg.AssetKey) -> Mapping[str, int]:
    """For each partition of the asset that was ever materialized, the storage id of its newest materialization."""
    return instance.event_log_storage.get_latest_storage_id_by_partition(
        asset, dg.DagsterEventType.ASSET_MATERIALIZATION
    )


def newest_by_partition(instance: dg.DagsterInstance, asset: dg.AssetKey) -> dict[str, dg.EventLogRecord]:
    """For each partition of the asset that was ever materialized, its newest materialization."""
    newest = newest_ids(instance, asset)
    if not newest:
        return {}
    wanted = dg.AssetRecordsFilter(asset_key=asset, storage_ids=list(newest.values()))
    found = instance.fetch_materializations(wanted, limit=len(newest)).records
    return {each.partition_key: each for each in found if each.partition_key is not None}


def newest_of_assets(
    instance: dg.DagsterInstance, assets: Iterable[dg.AssetKey]
) -> dict[dg.AssetKey, dg.EventLogRecord]:
    """For each of these assets that was ever materialized, its newest materialization, whatever the partition."""
    found = (each.asset_entry for each in instance.get_asset_records(list(assets)))
    return {each.asset_key: each.last_materialization_record for each in found if each.last_materialization_record}
