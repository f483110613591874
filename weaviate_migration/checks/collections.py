"""The checks of one collection, in one step: one walk over its objects serves most of them."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from weaviate_migration.checks.evaluation import EvaluationWriter, partitioned_check
from weaviate_migration.checks.findings import (
    Finding,
    count_finding,
    every_object_finding,
    no_snapshot_finding,
    relations_finding,
    sample_finding,
    search_finding,
    types_finding,
    uuids_finding,
)
from weaviate_migration.extract.partitions import PARTITION_KEYS
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.mapping.models import folded
from weaviate_migration.proof import CollectionProof
from weaviate_migration.record import MigrationRecord
from weaviate_migration.resources import BatchSettings, WeaviateServer, WorkFolder
from weaviate_migration.verify.counts import CountComparison


def build_collection_checks(mapping: WholeMapping, collection: CollectionMapping) -> dg.AssetChecksDefinition:
    """The checks of one collection, in one step."""
    specs = _specs(mapping, collection)

    @dg.multi_asset_check(specs=list(specs.values()), name=f"{collection.asset_name}_checks")
    def checks(
        context: dg.AssetCheckExecutionContext,
        weaviate: WeaviateServer,
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> Iterator[Any]:
        partitions = context.partition_keys
        writer = EvaluationWriter(context, dg.AssetKey(collection.asset_name), partitions)
        record = work_folder.records.current()
        comparisons = work_folder.comparisons(record, collection)
        with weaviate.client(work_folder) as client:
            extracts = work_folder.extract_paths(record, collection, partitions)
            proof = CollectionProof(collection, record, extracts, client)
            compared = []
            for key in partitions:
                compared.append(proof.compare_partition(key))
                comparisons.save(compared[-1])
                counted = CountComparison(proof.rows_of(key), compared[-1].objects)
                yield writer.evaluation(specs["count"], partition=key, **count_finding(counted))
                yield writer.evaluation(specs["every_object"], partition=key, **every_object_finding(compared[-1]))
            yield writer.evaluation(specs["uuids"], **uuids_finding(compared))
            yield writer.evaluation(specs["types"], **types_finding(proof.schema_differences(), compared))
            yield writer.evaluation(specs["sample"], **sample_finding(proof.sample(batches.sample_size)))
            yield writer.evaluation(specs["search"], **search_finding(proof.search()))
            if "relations" in specs:
                finding = _relations_finding(context, mapping, collection, proof, work_folder, batches)
                yield writer.evaluation(specs["relations"], **finding)
        for spec in specs.values():
            yield dg.Output(None, output_name=spec.get_python_identifier())

    return checks


def _specs(mapping: WholeMapping, collection: CollectionMapping) -> dict[str, dg.AssetCheckSpec]:
    asset = collection.asset_name
    # Their parents are looked up, so these have to be loaded before, where they are loaded in the same run.
    parents = [each.asset_name for each in _parents(mapping, collection) if each.name != collection.name]

    def once(name: str, description: str) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(name, asset=asset, blocking=True, additional_deps=parents, description=description)

    specs = [
        partitioned_check(
            "count",
            asset=asset,
            description="As many objects in the partition's range of UUIDs as rows in its extract; both counted anew.",
        ),
        partitioned_check(
            "every_object",
            asset=asset,
            description=(
                "Every row of the extract with its object, in one merge: each property by what it means, and the whole "
                "row rebuilt from the object alone. Finds missing, extra and altered objects."
            ),
        ),
        once("uuids", "The UUID of each object, computed again from the key that it tells; none is there twice."),
        once("types", "The live schema is what the mapping makes, and every value that came back has its type."),
        once(
            "sample",
            "Rows drawn at random, each looked up by its UUID and compared: every property, and the row rebuilt from "
            "the object. The seed is recorded.",
        ),
        once(
            "search",
            "A word of a sampled row finds it in each searchable property, a filter by its key finds it, and an "
            "aggregate counts all objects.",
        ),
    ]
    if collection.relations:
        text = "Each row's parent is in its collection where it is in the source. Orphans of the source are a warning."
        specs.append(once("relations", text))
    return {each.name: each for each in specs}


def _parents(mapping: WholeMapping, collection: CollectionMapping) -> list[CollectionMapping]:
    """The collections that the relations of this one lead to, each once."""
    tables = {folded(each.to_table) for each in collection.relations}
    return [each for each in mapping.collections if folded(each.table) in tables]


def _relations_finding(
    context: dg.AssetCheckExecutionContext,
    mapping: WholeMapping,
    collection: CollectionMapping,
    proof: CollectionProof,
    work_folder: WorkFolder,
    batches: BatchSettings,
) -> Finding:
    record = work_folder.records.current()
    if record.snapshot is None or not record.snapshot.path.is_file():
        return no_snapshot_finding()
    compared = proof.relations(mapping, batches.sort_memory_mb, work_folder.scratch)
    parents = [each for each in _parents(mapping, collection) if not _is_loaded(context.instance, each, record)]
    return relations_finding(compared, [record.alias(each) for each in parents])


def _is_loaded(instance: dg.DagsterInstance, collection: CollectionMapping, record: MigrationRecord) -> bool:
    """Whether all partitions of a collection were materialized since the migration began."""
    since = dg.AssetRecordsFilter(
        asset_key=dg.AssetKey(collection.asset_name), after_timestamp=record.began_at.timestamp()
    )
    # Each may have been materialized several times.
    made = instance.fetch_materializations(since, limit=100 * len(PARTITION_KEYS)).records
    return {each.partition_key for each in made} >= set(PARTITION_KEYS)
