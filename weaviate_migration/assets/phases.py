"""The phases of a migration, as Dagster groups: the UI sorts groups by name, so each begins with its number."""

from collections.abc import Sequence

SCHEMA = "phase_1_schema"
HISTORY = "phase_2_history"
DUAL_WRITE = "phase_3_dual_write"
CUTOVER = "phase_4_cutover"

OWNERS: Sequence[str] = ("team:data-platform",)
