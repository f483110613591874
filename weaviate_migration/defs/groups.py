"""The phases of a migration, as Dagster groups: the UI sorts groups by name, so each begins with its number.

An asset is in the phase in which it runs, so that the graph of the groups goes one way.
"""

import functools
from collections.abc import Mapping, Sequence

import dagster as dg

from weaviate_migration.base.partitions import partition_keys

SCHEMA = "phase_1_schema"
HISTORY = "phase_2_history"
DUAL_WRITE = "phase_3_dual_write"
CUTOVER = "phase_4_cutover"
CLEANUP = "phase_5_cleanup_and_monitoring"

OWNERS: Sequence[str] = ("team:data-platform",)


def stage(name: str) -> Mapping[str, str]:
    """The tag that all assets of one step of the data's way share: the UI finds them by `tag:stage=extract`."""
    return {"stage": name}


SourceTags = Sequence[tuple[str, str]]
"""Of the steps that read the SQLite file: what an executor knows the queue or the machine by, which has it."""


@functools.cache
def partitioned(partitions: int) -> dg.StaticPartitionsDefinition:
    """So many partitions, which all extracts, collections and their checks share: one job takes one definition."""
    return dg.StaticPartitionsDefinition(list(partition_keys(partitions)))


# Of assets without partitions, too: with a range of partitions Dagster's commands launch no job that has others.
ONE_RUN = dg.BackfillPolicy.single_run()
