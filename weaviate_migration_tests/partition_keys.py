"""The keys of a migration that nobody has told how many partitions to take."""

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, partition_keys

PARTITION_KEYS = partition_keys(DEFAULT_PARTITIONS)
