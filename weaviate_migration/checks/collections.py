"""The checks of one collection: `count`, stored for each partition, and `sample`, once for the collection."""

import random
from collections.abc import Iterator
from typing import Any

import dagster as dg
from weaviate.collections import Collection

from weaviate_migration.checks.evaluation import evaluation, partitioned_check
from weaviate_migration.extract.partitions import partition_range
from weaviate_migration.extract.storage import open_partition, partition_rows
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.record import MigrationRecord
from weaviate_migration.resources import BatchSettings, WeaviateServer, WorkFolder
from weaviate_migration.verify.counts import compare_counts
from weaviate_migration.verify.samples import Difference, compare_sample

# The first differences are shown in the check's metadata, all of them are counted.
SHOWN_DIFFERENCES = 20


def build_collection_checks(collection: CollectionMapping) -> dg.AssetChecksDefinition:
    """The checks of one collection, in one step."""
    count = partitioned_check(
        "count",
        asset=collection.asset_name,
        description="As many objects in the partition's range of UUIDs as rows in its extract; both are counted anew.",
    )
    sample = dg.AssetCheckSpec(
        "sample",
        asset=collection.asset_name,
        blocking=True,
        description=(
            "Rows drawn at random, each compared with its object: every property, and the row rebuilt from the object. "
            "The seed is recorded."
        ),
    )

    @dg.multi_asset_check(specs=[count, sample], name=f"{collection.asset_name}_checks")
    def checks(
        context: dg.AssetCheckExecutionContext,
        weaviate: WeaviateServer,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> Iterator[Any]:
        record = work_folder.records.current()
        with weaviate.client(work_folder) as client:
            objects = client.collections.use(record.collection(collection))
            for partition in context.partition_keys:
                yield _count(context, count, collection, record, objects, work_folder, partition)
            yield _sample(context, sample, collection, record, objects, work_folder, batches.sample_size)
        yield dg.Output(None, output_name=count.get_python_identifier())
        yield dg.Output(None, output_name=sample.get_python_identifier())

    return checks


def _count(
    context: dg.AssetCheckExecutionContext,
    spec: dg.AssetCheckSpec,
    collection: CollectionMapping,
    record: MigrationRecord,
    objects: Collection[Any, Any],
    work_folder: WorkFolder,
    partition: str,
) -> dg.AssetCheckEvaluation:
    rows = partition_rows(work_folder.extract_path(record, collection.extract_name, partition))
    compared = compare_counts(rows, objects, partition_range(record.bounds[collection.table], partition))
    return evaluation(
        context,
        spec,
        passed=compared.passed,
        description=compared.to_text(),
        metadata={"rows": compared.rows, "objects": compared.objects},
        partition=partition,
    )


def _sample(
    context: dg.AssetCheckExecutionContext,
    spec: dg.AssetCheckSpec,
    collection: CollectionMapping,
    record: MigrationRecord,
    objects: Collection[Any, Any],
    work_folder: WorkFolder,
    size: int,
) -> dg.AssetCheckEvaluation:
    extracts = {
        partition: open_partition(work_folder.extract_path(record, collection.extract_name, partition))
        for partition in context.partition_keys
    }
    compared = compare_sample(collection, extracts, objects, size, seed=random.SystemRandom().getrandbits(32))
    found = len(compared.differences)
    metadata: dict[str, Any] = {"rows_compared": compared.rows, "seed": compared.seed, "differences": found}
    if found:
        metadata["first_differences"] = differences_table(compared.differences[:SHOWN_DIFFERENCES])
    return evaluation(
        context,
        spec,
        passed=not found,
        description=(
            f"{compared.rows} rows compared, every property, "
            + (f"{found} differences. Materialize their partitions again." if found else "no difference.")
        ),
        metadata=metadata,
    )


def differences_table(differences: tuple[Difference, ...]) -> dg.TableMetadataValue:
    """Differences as a table: key, property, expected, found."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "partition": each.partition,
                    "key": each.key,
                    "property": each.property,
                    "expected": each.expected[:500],
                    "found": each.found[:500],
                }
            )
            for each in differences
        ]
    )
