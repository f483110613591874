"""The checks of one collection: thin, they store what the proof finds."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from weaviate_migration.defs.checks.evaluation import EvaluationWriter, noted, partitioned_check
from weaviate_migration.defs.checks.findings import (
    count_finding,
    every_object_finding,
    no_snapshot_finding,
    recall_finding,
    relations_finding,
    sample_finding,
    search_finding,
    types_finding,
    uuids_finding,
    vectors_finding,
)
from weaviate_migration.defs.resources import BatchSettings, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.mapping.asset_names import CHECKS, RELATIONS
from weaviate_migration.mapping.relation_groups import parents_of
from weaviate_migration.phases.history.changes import collection_changes
from weaviate_migration.phases.history.collection_locks import part_of
from weaviate_migration.phases.history.written_vectors import written_vectors
from weaviate_migration.phases.validation.collection_proof import CollectionProof, compare_and_keep
from weaviate_migration.phases.validation.full_text_indexes import full_text_indexes
from weaviate_migration.phases.validation.relations import compare_relations
from weaviate_migration.runs.jobs import SQLITE_SNAPSHOT
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.readiness import missing_partitions
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder

# What a check that fails advises; each finding says more.
_REPAIR = "materializing the partition again, or `weaviate-migration verify --repair`, mends it"


class ComparisonConfig(dg.Config):
    """How a run compares."""

    resume: bool = Field(
        default=False,
        description="Partitions that were compared already are not compared again, unless changes were applied since.",
    )
    side_by_side: bool = Field(
        default=False,
        description=(
            "Other runs compare other partitions of the collection at the same time: keep what is found, and leave the "
            "evaluations to a run with `resume`."
        ),
    )


def build_collection_checks(
    mapping: WholeMapping, names: DagsterNames, partitions: int, collection: CollectionMapping
) -> dg.AssetChecksDefinition:
    """The checks that compare one collection with its extract, in one step: one walk serves most of them."""
    specs = {each.name: each for each in _specs(names, partitions, collection)}

    @dg.multi_asset_check(specs=list(specs.values()), name=names.step(f"{collection.asset_name}{CHECKS}"))
    @with_resources_of(names)
    def checks(
        context: dg.AssetCheckExecutionContext,
        config: ComparisonConfig,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
        models: dg.ResourceParam[OpenModels],
    ) -> Iterator[Any]:
        record = work_folder.records.take_up(partitions)
        results = work_folder.check_results(record, collection)
        writer = EvaluationWriter(context, names.asset(collection.asset_name), specs, results)
        part = part_of(context.partition_keys) if config.side_by_side else ""
        # Of what is not evaluated, too: without it the step would have failed.
        outputs = [dg.Output(None, output_name=spec.get_python_identifier()) for spec in specs.values()]
        with (
            weaviate.client(work_folder, batches) as client,
            collection_changes(work_folder, record, mapping, collection, part) as changes,
        ):
            extracts = work_folder.extract_paths(record, collection, context.partition_keys)
            vectors = written_vectors(client, work_folder, record, mapping, collection, models)
            proof = CollectionProof(collection, record, extracts, client, changes, vectors)
            compared = []
            for found in compare_and_keep(
                proof, context.partition_keys, record, work_folder, resume=config.resume, part=part
            ):
                compared.append(found)
                if config.side_by_side:
                    continue
                findings = {"count": count_finding(found.counted), "every_object": every_object_finding(found)}
                yield from writer.evaluations(findings, found.partition)
            if config.side_by_side:
                yield from outputs
                return
            types = types_finding(proof.schema_differences(), compared)
            yield from writer.evaluations({"uuids": uuids_finding(compared), "types": types})
            yield from writer.evaluations({"sample": sample_finding(proof.sample(batches.sample_size))})
            with full_text_indexes(work_folder, record, mapping, collection) as indexes:
                yield from writer.evaluations({"search": search_finding(proof.search(compared, indexes))})
            if "vectors" in specs:
                yield from writer.evaluations({"vectors": vectors_finding(compared)})
            if "recall" in specs:
                yield from writer.evaluations({"recall": recall_finding(proof.recall())})
        yield from outputs

    return checks


def _specs(names: DagsterNames, partitions: int, collection: CollectionMapping) -> list[dg.AssetCheckSpec]:
    asset, extract = names.asset(collection.asset_name), names.asset(collection.extract_name)

    def once(name: str, description: str) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(name, asset=asset, blocking=True, description=description, additional_deps=[extract])

    return [
        partitioned_check(
            "count",
            partitions,
            asset=asset,
            extract=extract,
            description=(
                "As many objects in the partition's range of UUIDs as rows in its extract; both counted again. "
                f"If it fails: refused rows are in the quarantine, with reasons; {_REPAIR}."
            ),
        ),
        partitioned_check(
            "every_object",
            partitions,
            asset=asset,
            extract=extract,
            description=(
                "Every row of the extract with its object, in one merge: each property by what it means, and the whole "
                "row rebuilt from the object alone. Finds missing, extra and altered objects. "
                f"If it fails: it names the first differences by key and property; {_REPAIR}."
            ),
        ),
        once(
            "uuids",
            "The UUID of each object, computed again from the key that it tells; none is there twice. "
            f"If it fails: rows that share a key are in the quarantine; {_REPAIR}.",
        ),
        once(
            "types",
            "The live schema is what the mapping makes, and every value that came back has its type. "
            "If it fails: somebody changed the collection; `rollback --discard` and `migrate` make it again.",
        ),
        once(
            "sample",
            "Rows drawn at random, each looked up by its UUID and compared: every property, and the row rebuilt from "
            f"the object. The seed is recorded. If it fails: {_REPAIR}.",
        ),
        once(
            "search",
            "A word of a sampled row finds it in each searchable property, its own vectors find it where they are made "
            "from columns, a filter by its key finds it, and an aggregate counts all objects. What SQLite's full-text "
            "search finds by words of sampled rows is found: by an index of the source where there is one. A WARN: "
            "the two part texts unlike each other. "
            "If it fails: Weaviate may still be indexing, so execute it again; if it still fails, materialize all "
            "partitions again.",
        ),
        *_vector_specs(collection, once),
    ]


def _vector_specs(
    collection: CollectionMapping, once: Callable[[str, str], dg.AssetCheckSpec]
) -> Iterator[dg.AssetCheckSpec]:
    """Of a collection with vectors that rows tell of."""
    if collection.expected_vectors:
        yield once(
            "vectors",
            "Every vector that a column holds or a model has made, against the object's, bit for bit as float32. Finds "
            "another one, a missing one, and one too many; of those that the server makes, whether they are there. "
            f"If it fails: {_REPAIR}.",
        )
    if collection.known_vectors:
        yield once(
            "recall",
            "The nearest neighbours of sampled vectors, by exact distances to all vectors of the rows, are found by "
            "searches of Weaviate; vectors that wait for their index are waited for. If it fails: an index with more "
            "`ef` or `ef_construction`, or another quantizer, finds more; `recall` in the mapping says how much is "
            "wanted.",
        )


def build_relations_checks(
    mapping: WholeMapping, names: DagsterNames, group: Sequence[CollectionMapping]
) -> dg.AssetChecksDefinition:
    """The checks `relations` of collections that name each other's rows, most often of one alone.

    A step of its own, since it waits for the parents and their checks. Around a circle there is only one for all:
    as Dagster has it, a step does not wait for checks of assets that it checks itself.
    """
    specs = {each.asset_name: _relations_spec(mapping, names, each, group) for each in group}

    @dg.multi_asset_check(
        specs=list(specs.values()), name=names.step(f"{group[0].asset_name}{RELATIONS}"), can_subset=True
    )
    @with_resources_of(names)
    def relations(
        context: dg.AssetCheckExecutionContext,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> Iterator[dg.AssetCheckResult]:
        record = work_folder.records.current()
        chosen = [each for each in group if specs[each.asset_name].key in context.selected_asset_check_keys]
        if work_folder.local_snapshot_if_any(record) is None:
            for each in chosen:
                yield noted(no_snapshot_finding(), specs[each.asset_name], work_folder.check_results(record, each))
            return
        with weaviate.client(work_folder, batches) as client:
            for each in chosen:
                compared = compare_relations(each, mapping, record, client, work_folder, batches.sort_memory_mb)
                parents = parents_of(mapping, each)
                lacking = [
                    parent
                    for parent in parents
                    if missing_partitions(context.instance, names.asset(parent.asset_name), parent, record)
                ]
                finding = relations_finding(compared, [record.alias(parent) for parent in lacking])
                yield noted(finding, specs[each.asset_name], work_folder.check_results(record, each))

    return relations


def _relations_spec(
    mapping: WholeMapping, names: DagsterNames, collection: CollectionMapping, group: Sequence[CollectionMapping]
) -> dg.AssetCheckSpec:
    parents = {each.asset_name for each in [*parents_of(mapping, collection), *group]} - {collection.asset_name}
    return dg.AssetCheckSpec(
        "relations",
        asset=names.asset(collection.asset_name),
        blocking=True,
        additional_deps=[names.asset(each) for each in (SQLITE_SNAPSHOT, *sorted(parents))],
        description=(
            "Each row's parent is in its collection exactly where it is in the source. Orphans of the source are a "
            "warning. It runs after the checks of the parents' collections have passed; where collections name each "
            "other's rows, after all of them are loaded. "
            "If it fails: materialize the partitions of the parents' collections again; orphans only the application "
            "can mend."
        ),
    )
