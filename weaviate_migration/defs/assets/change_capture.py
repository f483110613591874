"""The capture of changes: triggers in the SQLite file, which log every change in its own transaction."""

import logging

import dagster as dg

from weaviate_migration.base.texts import as_code
from weaviate_migration.defs import groups
from weaviate_migration.defs.resources import SQLiteSource
from weaviate_migration.defs.resources.own_keys import with_resources_of
from weaviate_migration.mapping import Mapping
from weaviate_migration.phases.dual_write.capture import begin_change_capture
from weaviate_migration.runs.checks.markdown import escaped
from weaviate_migration.runs.jobs import CHANGE_CAPTURE, MIGRATE_LIVE
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.work_folder.folder import WorkFolder

logger = logging.getLogger(__name__)


def build_change_capture_asset(
    mapping: Mapping, names: DagsterNames, source_tags: groups.SourceTags = ()
) -> dg.AssetsDefinition:
    """The asset `change_capture`: before the snapshot, so that nothing that is written in between is lost."""

    @dg.asset(
        key=names.asset(CHANGE_CAPTURE),
        backfill_policy=groups.ONE_RUN,
        group_name=names.group(groups.SCHEMA),
        kinds={"sqlite"},
        owners=groups.OWNERS,
        tags=groups.stage("capture"),
        op_tags=dict(source_tags),
        description=(
            "Triggers in the SQLite file that log each change of a mapped table, in the same transaction as the change "
            f"itself. Only `{names.of(MIGRATE_LIVE)}` installs them: before the snapshot is taken, so that nothing "
            "that is written in between is lost; `change_sync` applies what they log. What is there and is intact "
            "stays; after damage a new epoch begins, and all has to be compared. `weaviate-migration capture remove` "
            "leaves the schema as it was."
        ),
    )
    @with_resources_of(names)
    def change_capture(source: SQLiteSource, work_folder: dg.ResourceParam[WorkFolder]) -> dg.MaterializeResult[None]:
        capture, not_followed = begin_change_capture(source.path, mapping, work_folder)
        for sentence in not_followed:
            logger.warning("%s", sentence)
        return dg.MaterializeResult(
            metadata={
                "capture": capture.id,
                "epoch": capture.epoch,
                "tables": dg.MetadataValue.md("\n".join(f"- {as_code(each.name)}" for each in capture.tables)),
                "not_followed": dg.MetadataValue.md("\n".join(f"- {escaped(each)}" for each in not_followed) or "none"),
            }
        )

    return change_capture
