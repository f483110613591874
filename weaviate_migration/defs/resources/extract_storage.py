"""Extracts between assets: streams go in, one Parquet file for each partition, whose rows are read when asked for."""

import dagster as dg
import pyarrow as pa
from upath import UPath

from weaviate_migration.phases.history.extract.partitions import PartitionStreams
from weaviate_migration.phases.history.extract.storage import PartitionExtract, open_partition, write_partition
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import refuse_other_partitions


class ExtractIOManager(dg.UPathIOManager):
    """Writes the streams of a run's partitions one after the other, and hands them on unread.

    The base class knows one value for each run; a range of partitions comes from one scan, so here it is one value too.
    """

    extension = ".parquet"

    def __init__(self, work_folder: WorkFolder) -> None:
        super().__init__(base_path=UPath(work_folder.path.absolute()))
        self._work_folder = work_folder

    def handle_output(self, context: dg.OutputContext, obj: PartitionStreams) -> None:
        """Writes each partition's stream to its file."""
        paths = self._paths(context)
        for stream in obj.streams:
            self.dump_to_path(context, stream.batches, paths[stream.partition])

    def load_input(self, context: dg.InputContext) -> dict[str, PartitionExtract]:
        """The extract of each partition of the run, by the partition's key."""
        return {partition: self.load_from_path(context, path) for partition, path in self._paths(context).items()}

    def dump_to_path(self, context: dg.OutputContext, obj: pa.RecordBatchReader, path: UPath) -> None:  # noqa: ARG002
        """Writes one partition."""
        write_partition(path, obj, self._work_folder.ensure_scratch())

    def load_from_path(self, context: dg.InputContext, path: UPath) -> PartitionExtract:  # noqa: ARG002
        """Opens one partition."""
        return open_partition(path)

    def _paths(self, context: dg.InputContext | dg.OutputContext) -> dict[str, UPath]:
        record = self._work_folder.records.current()
        refuse_other_partitions(record, context.asset_partitions_def.get_num_partitions())
        name = context.asset_key.path[-1]
        return {key: self._work_folder.extract_path(record, name, key) for key in context.asset_partition_keys}
