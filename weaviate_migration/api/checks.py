"""What the checks of a mapping said last."""

from weaviate_migration.api.session import opened
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.defs.build import asset_graph
from weaviate_migration.runs.checks.outcomes import CheckReport
from weaviate_migration.runs.checks.reader import check_report
from weaviate_migration.runs.names import names_of
from weaviate_migration.runs.runner import dagster_instance_to_read
from weaviate_migration.work_folder.record import (
    refuse_another_prefix,
    refuse_another_source,
    refuse_another_tenant,
    refuse_other_partitions,
)


def read_check_report(
    config: MigrationConfig, *, run_id: str | None = None, backfill_id: str | None = None
) -> CheckReport:
    """What the checks of the configured mapping said last, and which of them never ran.

    Args:
        config: names the mapping, and the work folder that Dagster's instance is in unless DAGSTER_HOME is set.
        run_id: only what this run has planned, whatever came later.
        backfill_id: only what this backfill was to cover; `LAST_BACKFILL` for the newest one.

    Raises:
        ConfigurationError: there is no such run or backfill, or it has none of these checks; the folder of Dagster's
            instance cannot be made.
        MigrationConflictError: the migration is of another source, prefix or tenant than that of the settings, or has
            another number of partitions, or no migration had their mapping; that of a run or backfill may be of another
            work folder.
        MappingError: the mapping file is wrong.
    """
    with opened(config) as session:
        records = session.work_folder.records
        partitions, queries = records.partitions(config.partitions), session.work_folder.queries.read()
        graph = asset_graph(session.mapping, names_of(session.work_folder), partitions, queries)
        if (record := records.in_use_or_newest()) is not None:
            refuse_another_source(record, config.sqlite_url)
            refuse_another_prefix(record, config.prefix)
            refuse_other_partitions(record, config.partitions)
            refuse_another_tenant(record, session.mapping, config.tenant)
            known = {each.mapping_digest for each in records.all()}
            if run_id is None and backfill_id is None and session.mapping.digest not in known:
                session.mapping_of(record)  # Refuses it: every check of this mapping would be one that never ran.
        with dagster_instance_to_read(config.work_dir) as instance:
            return check_report(instance, graph, run_id=run_id, backfill_id=backfill_id)
