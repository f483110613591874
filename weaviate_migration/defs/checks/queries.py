"""The check `queries` of the collections that the application's own queries are about."""

from collections.abc import Iterator

import dagster as dg

from weaviate_migration.defs.checks.evaluation import noted
from weaviate_migration.defs.checks.findings import not_loaded_finding, queries_finding
from weaviate_migration.defs.resources import BatchSettings, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.mapping.asset_names import queries_step
from weaviate_migration.mapping.query_file import Queries
from weaviate_migration.phases.history.changes import held_changes
from weaviate_migration.phases.validation.application_queries import (
    ask_queries,
    opened_query_source,
    query_file,
    vectors_of_queries,
)
from weaviate_migration.phases.validation.indexed import await_index
from weaviate_migration.runs.jobs import QUERIES, SQLITE_SNAPSHOT
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.readiness import missing_partitions
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder


def build_queries_check(
    mapping: WholeMapping, names: DagsterNames, collection: CollectionMapping, queries: Queries
) -> dg.AssetChecksDefinition:
    """The check `queries` of one collection: a step of its own, since it is there only where there are queries.

    They are in force from then on: whoever switches later finds the check among those that have to pass.
    """
    asset = names.asset(collection.asset_name)
    spec = dg.AssetCheckSpec(
        QUERIES,
        asset=asset,
        blocking=True,
        additional_deps=[names.asset(collection.extract_name), names.asset(SQLITE_SNAPSHOT)],
        description=(
            "The application's own queries, as the file of `--queries` has them: the rows that they name are among the "
            "first results. Where they give SQL, the snapshot is asked the same, and the times of both stand beside "
            "each other. If it fails: it names the queries and the keys. Look at how the mapping indexes what they "
            "search, or correct what they expect."
        ),
    )

    @dg.multi_asset_check(specs=[spec], name=names.step(queries_step(collection.asset_name)))
    @with_resources_of(names)
    def checks(
        context: dg.AssetCheckExecutionContext,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        models: dg.ResourceParam[OpenModels],
        work_folder: dg.ResourceParam[WorkFolder],
    ) -> Iterator[dg.AssetCheckResult]:
        record = work_folder.records.current()
        results = work_folder.check_results(record, collection)
        work_folder.queries.keep(queries)
        if lacking := missing_partitions(context.instance, asset, collection, record):
            yield noted(not_loaded_finding(lacking), spec, results)
            return
        with (
            weaviate.client(work_folder, batches) as client,
            opened_query_source(query_file(work_folder, record, as_it_is_now=False), mapping, work_folder) as source,
            held_changes(work_folder, record, mapping, collection) as changes,
        ):
            asked, name = queries.of(collection), record.collection(collection)
            queued = await_index(client, name) if any(each.is_by_vector for each in asked) else 0
            compared = ask_queries(
                asked,
                source.plan.of(collection),
                open_collection(client, name),
                source.selects,
                vectors_of_queries(models, mapping),
                changes.has,
            )
        yield noted(queries_finding(compared, queued), spec, results)

    return checks
