"""The report of the newest migration."""

from weaviate_migration.api.session import opened
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.redaction import keep_secret
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.defs.build import asset_graph
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.monitoring.report.reader import migration_report
from weaviate_migration.runs.names import names_of
from weaviate_migration.runs.runner import dagster_instance_to_read


def read_migration_report(config: MigrationConfig) -> MigrationReport:
    """All that is stored about the newest migration of a work folder, whatever became of it; no server is needed.

    Raises:
        ConfigurationError: nothing was ever migrated in the work folder.
        MigrationConflictError: the migration was begun with another mapping, or is of another source.
        MappingError: the mapping file is wrong.
    """
    keep_secret(config.weaviate_api_key)
    with opened(config) as session:
        mapping, work_folder = session.mapping, session.work_folder
        if (newest := work_folder.records.newest()) is not None:
            session.refuse_other_settings(newest)
            mapping = session.mapping_of(newest)
        names = names_of(work_folder)
        partitions = newest.partitions if newest is not None else DEFAULT_PARTITIONS
        with dagster_instance_to_read(config.work_dir) as instance:
            graph = asset_graph(mapping, names, partitions, work_folder.queries.read())
            return migration_report(instance, names, graph, mapping, work_folder, config.weaviate_url)
