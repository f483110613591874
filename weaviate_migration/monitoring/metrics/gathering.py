"""Gathers the figures of a migration for its result."""

from weaviate_migration.base.errors import MigrationError
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.monitoring.metrics.figures import CollectionMetrics, MigrationMetrics
from weaviate_migration.monitoring.metrics.readings import (
    embedding_tallies,
    folder_bytes,
    followed_standings,
    load_tallies,
    server_reading,
    verdict_counts,
)
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.load_tally import total
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration.work_folder.sync_positions import Standing


def migration_metrics(
    config: MigrationConfig, work_folder: WorkFolder, record: MigrationRecord, cpu_seconds: float
) -> MigrationMetrics:
    """The figures of a migration as they are now.

    Args:
        cpu_seconds: what it has taken.
    """
    server = server_reading(config, work_folder, record)
    objects = server.objects if server else {}
    verdicts: dict[str, dict[str, dict[str, int]]] = {alias: {} for alias in record.targets}
    for (alias, check, outcome), number in sorted(verdict_counts(work_folder, record).items()):
        verdicts[alias].setdefault(check, {})[outcome] = number
    made = embedding_tallies(work_folder, record)
    standing = _standing(work_folder, record)
    return MigrationMetrics(
        collections={
            alias: CollectionMetrics(
                total=total(tallies.values()),
                partitions=tallies,
                checks=verdicts[alias],
                server_objects=objects.get(record.targets[alias]),
                vectors=made.get(alias, {}),
            )
            for alias, tallies in load_tallies(work_folder, record).items()
        },
        lag_changes=standing.changes if standing else None,
        lag_seconds=round(standing.seconds, 3) if standing else None,
        cpu_seconds=round(cpu_seconds, 2),
        work_folder_bytes=folder_bytes(work_folder),
    )


def _standing(work_folder: WorkFolder, record: MigrationRecord) -> Standing | None:
    try:
        return followed_standings(work_folder).get(record.id)
    except MigrationError:  # What is wrong with the change log is told by who follows it.
        return None
