"""The one partitions definition that extracts, collections and their checks share."""

import dagster as dg

from weaviate_migration.phases.history.extract.partitions import PARTITION_KEYS

PARTITIONS = dg.StaticPartitionsDefinition(list(PARTITION_KEYS))
