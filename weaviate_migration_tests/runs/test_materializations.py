"""The newest materialization of each partition, among older ones, of other assets too."""

from pathlib import Path

import dagster as dg

from weaviate_migration.runs.materializations import newest_by_partition, newest_of_assets
from weaviate_migration.runs.runner import dagster_instance

PARTITIONS = dg.StaticPartitionsDefinition(["00", "01", "02"])


@dg.asset(partitions_def=PARTITIONS)
def note() -> None:
    pass


@dg.asset(partitions_def=PARTITIONS)
def other() -> None:
    pass


def test_the_newest_of_each_partition(tmp_path: Path) -> None:
    with dagster_instance(tmp_path) as instance:

        def run_of(asset: dg.AssetsDefinition, partition: str) -> str:
            return dg.materialize([asset], instance=instance, partition_key=partition).run_id

        run_of(note, "01")
        first = run_of(note, "00")
        again = run_of(note, "01")
        run_of(other, "02")
        found = newest_by_partition(instance, note.key)
        assert {key: each.run_id for key, each in found.items()} == {"00": first, "01": again}
        unknown = dg.AssetKey("unknown")
        newest = newest_of_assets(instance, [note.key, other.key, unknown])
        assert newest.keys() == {note.key, other.key}
        assert newest[note.key].run_id == again
        assert newest_by_partition(instance, unknown) == {}
