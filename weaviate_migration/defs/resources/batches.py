"""How much is read, sorted, sent and kept at once."""

from typing import Self

import dagster as dg
from pydantic import Field

from weaviate_migration.base.settings import (
    KEEP_CHANGES,
    KEEP_HOURS,
    MINIMUM_MEMORY_MB,
    MigrationConfig,
    sort_memory_mb,
)


class BatchSettings(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Sizes of batches, retries, and the memory that they may take together."""

    batch_size: int = Field(default=100, gt=0, description="Objects in a batch at most.")
    worker_count: int = Field(default=4, gt=0, description="Batches under way at once.")
    max_retries: int = Field(default=3, ge=0, description="How often an object is sent again after a passing failure.")
    retry_delay: float = Field(default=1.0, ge=0, description="Seconds before the first of these, doubled each time.")
    memory_limit_mb: int = Field(default=1024, ge=MINIMUM_MEMORY_MB, description="For the whole process.")
    sample_size: int = Field(default=1000, gt=0, description="Rows of a collection that the check `sample` compares.")
    keep_changes: int = Field(default=KEEP_CHANGES, gt=0, description="Applied changes that stay in the log at most.")
    keep_hours: float = Field(default=KEEP_HOURS, ge=0, description="None that is older stays in the log.")

    @classmethod
    def of_config(cls, config: MigrationConfig, processes: int = 1) -> Self:
        """What these settings say of batches.

        Args:
            processes: that send side by side; they share the workers.
        """
        return cls(
            batch_size=config.batch_size,
            worker_count=max(1, config.worker_count // processes),
            max_retries=config.max_retries,
            retry_delay=config.retry_delay,
            memory_limit_mb=config.memory_limit_mb,
            sample_size=config.validation_sample_size,
            keep_changes=config.keep_changes,
            keep_hours=config.keep_hours,
        )

    @property
    def sort_memory_mb(self) -> int:
        """How much SQLite's sorter may hold before it goes to disk."""
        return sort_memory_mb(self.memory_limit_mb)
