"""The migration's collections in Weaviate: empty, versioned, and named by nobody yet."""

import logging
from collections.abc import Mapping as ReadOnlyMapping

import dagster as dg

from weaviate_migration.base.texts import as_code
from weaviate_migration.defs import groups
from weaviate_migration.defs.alone import alone_in
from weaviate_migration.defs.resources import BatchSettings, SQLiteSource, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.lag import followed_migrations
from weaviate_migration.phases.history.versioned_collections import (
    ensure_collections,
    refuse_names_of_others,
    replicas_made,
)
from weaviate_migration.runs.jobs import SOURCE_AUDIT, WEAVIATE_SCHEMA
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.vectors.open_models import Digests, OpenModels, refuse_other_models
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

logger = logging.getLogger(__name__)


def build_schema_asset(
    mapping: Mapping, names: DagsterNames, partitions: int, source_tags: groups.SourceTags = ()
) -> dg.AssetsDefinition:
    """The asset `weaviate_schema`: begins a migration, or goes on with the unfinished one."""

    @dg.asset(
        key=names.asset(WEAVIATE_SCHEMA),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.SCHEMA),
        kinds={"weaviate"},
        owners=groups.OWNERS,
        tags=groups.stage("schema"),
        op_tags=dict(source_tags),
        deps=[names.asset(SOURCE_AUDIT)],
        description=(
            "The migration's collections, empty and with versioned names. Begins a migration, or goes on with the "
            "unfinished one. Readers see nothing of its collections before `cutover`."
        ),
    )
    @with_resources_of(names)
    def weaviate_schema(
        context: dg.AssetExecutionContext,
        source: SQLiteSource,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
        models: dg.ResourceParam[OpenModels],
    ) -> dg.MaterializeResult[None]:
        with alone_in(work_folder, context):
            if names.key_prefix:  # Others stand beside it.
                aliases = [f"{weaviate.prefix}{each.name}" for each in mapping.collections]
                with weaviate.client(work_folder, batches) as client:
                    refuse_names_of_others(client, work_folder, aliases, source.path)
            digests = {each.name: models.digests(mapping, each) for each in mapping.collections if each.made_vectors}
            # Those that are followed get their vectors from the same models as the one that begins.
            for begun in followed_migrations(work_folder):
                if begun.mapping_digest == mapping.digest:
                    _refuse_other_models(mapping, digests, begun)
            record = work_folder.records.resume_or_begin(source.path, mapping, weaviate.prefix, digests, partitions)
            _refuse_other_models(mapping, digests, record)
            with weaviate.client(work_folder, batches) as client:
                made = ensure_collections(client, work_folder, record, mapping)
                replicas = replicas_made(client, record, mapping)
            if replicas != record.replicas:
                record = work_folder.records.update(record, replicas=replicas)
        logger.info("%d collections made", made)
        return dg.MaterializeResult(
            metadata={
                "migration": record.id,
                "source": dg.MetadataValue.path(record.source),
                "mapping": mapping.name,
                "mapping_digest": mapping.digest,
                "partitions": record.partitions,
                "collections": dg.MetadataValue.md(
                    "\n".join(f"- {as_code(record.collection(each))}" for each in mapping.collections)
                ),
                "made_now": made,
                **({"models": dg.MetadataValue.json(dict(record.model_digests))} if record.model_digests else {}),
            }
        )

    return weaviate_schema


def _refuse_other_models(mapping: Mapping, now: ReadOnlyMapping[str, Digests], begun: MigrationRecord) -> None:
    for each in mapping.collections:
        refuse_other_models(each, now.get(each.name, {}), begun.models_of(each))
