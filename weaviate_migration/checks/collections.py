"""The checks of one collection: `count`, stored for each partition, and `sample`, once for the collection."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg

from weaviate_migration.checks.evaluation import EvaluationWriter, partitioned_check
from weaviate_migration.extract.partitions import partition_range
from weaviate_migration.extract.storage import open_partition, partition_rows
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.resources import BatchSettings, WeaviateServer, WorkFolder
from weaviate_migration.verify.counts import CountComparison, compare_counts
from weaviate_migration.verify.samples import Difference, SampleComparison, compare_sample

# The first differences are shown in the check's metadata, all of them are counted.
SHOWN_DIFFERENCES = 20
# Partitions: while the client unpacks one page, the server reads the next; more than two gained nothing (measured).
COUNTED_AT_ONCE = 2


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
        partitions = context.partition_keys
        writer = EvaluationWriter(context, count.asset_key, partitions)
        extracts = {key: work_folder.extract_path(record, collection.extract_name, key) for key in partitions}
        with weaviate.client(work_folder) as client:
            objects = client.collections.use(record.collection(collection))

            def counted(partition: str) -> CountComparison:
                uuid_range = partition_range(record.bounds[collection.table], partition)
                return compare_counts(partition_rows(extracts[partition]), objects, uuid_range)

            with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
                for key, compared in zip(partitions, pool.map(counted, partitions), strict=True):
                    yield writer.evaluation(count, partition=key, **_counted(compared))
            seed = random.SystemRandom().getrandbits(32)
            opened = {key: open_partition(extract) for key, extract in extracts.items()}
            sampled = compare_sample(collection, opened, objects, batches.sample_size, seed)
            yield writer.evaluation(sample, **_sampled(sampled))
        yield dg.Output(None, output_name=count.get_python_identifier())
        yield dg.Output(None, output_name=sample.get_python_identifier())

    return checks


def _counted(compared: CountComparison) -> dict[str, Any]:
    return {
        "passed": compared.passed,
        "description": compared.to_text(),
        "metadata": {"rows": compared.rows, "objects": compared.objects},
    }


def _sampled(compared: SampleComparison) -> dict[str, Any]:
    found = len(compared.differences)
    metadata: dict[str, Any] = {"rows_compared": compared.rows, "seed": compared.seed, "differences": found}
    if found:
        metadata["first_differences"] = differences_table(compared.differences[:SHOWN_DIFFERENCES])
    verdict = f"{found} differences. Materialize their partitions again." if found else "no difference."
    return {
        "passed": not found,
        "description": f"{compared.rows} rows compared, every property: {verdict}",
        "metadata": metadata,
    }


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
