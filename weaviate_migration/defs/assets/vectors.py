"""The vectors that models make of a collection's rows, before these are written: they are in the cache afterwards."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from weaviate_migration.base.errors import TransientEmbeddingError
from weaviate_migration.base.texts import as_code
from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import BatchSettings, TargetServer
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping import Mapping as WholeMapping
from weaviate_migration.phases.history.embedding import make_vectors
from weaviate_migration.runs.jobs import WEAVIATE_SCHEMA
from weaviate_migration.runs.names import EMBEDDING, DagsterNames
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder


def build_vectors_asset(
    mapping: WholeMapping, names: DagsterNames, partitions: int, collection: CollectionMapping
) -> dg.AssetsDefinition:
    """The asset of the vectors that models make for one collection: `Message` gives `message_vectors`."""
    made = ", ".join(f"{as_code(each.name)} by {as_code(str(each.model))}" for each in collection.made_vectors)

    @dg.asset(
        key=names.asset(collection.vectors_name),
        partitions_def=groups.partitioned(partitions),
        backfill_policy=groups.ONE_RUN,
        ins={"extract": dg.AssetIn(names.asset(collection.extract_name))},
        # The migration notes there which models it was begun with.
        deps=[names.asset(WEAVIATE_SCHEMA)],
        group_name=names.group(groups.HISTORY),
        kinds={"python"},
        owners=groups.OWNERS,
        tags=groups.stage("vectors"),
        pool=names.of(EMBEDDING),
        metadata={"models": {each.name: each.model for each in collection.made_vectors}},
        description=(
            f"Vectors of the rows of the extract: {made}. They are in the cache afterwards, and the collection takes "
            "them from there. A text that was embedded before, by whatever run, is not embedded again; what is made "
            f"stays, whatever fails. The pool `{names.of(EMBEDDING)}` limits how many such steps run at once."
        ),
    )
    @with_resources_of(names)
    def vectors(
        context: dg.AssetExecutionContext,
        extract: Any,
        weaviate: dg.ResourceParam[TargetServer],
        batches: BatchSettings,
        work_folder: dg.ResourceParam[WorkFolder],
        models: dg.ResourceParam[OpenModels],
    ) -> None:
        record = work_folder.records.take_up()
        try:
            with weaviate.client(work_folder, batches) as client:
                made = make_vectors(client, models, work_folder, record, mapping, collection, extract)
                for partition, tallies in made:
                    context.add_asset_metadata(_metadata(tallies), partition_key=partition)
        except TransientEmbeddingError as error:
            # The calls were repeated already, as the settings say; a service that restarts takes longer than that.
            raise dg.RetryRequested(max_retries=1, seconds_to_wait=batches.retry_delay) from error

    return vectors


def _metadata(tallies: Mapping[str, VectorTally]) -> dict[str, Any]:
    """Numbers, so that Dagster plots them over time: of all vectors together, and a table of each."""
    together = sum(tallies.values(), VectorTally(model=""))
    figures = together.figures()
    del figures["model"], figures["dimension"]
    rows = [dg.TableRecord({"vector": name, **_known(tally.figures())}) for name, tally in tallies.items()]
    return {**figures, "vectors": dg.MetadataValue.table(rows)} if rows else figures


def _known(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Without the dimension, where no vector was made that would tell it: a table of Dagster's has no None."""
    return {name: value for name, value in figures.items() if value is not None}
