"""The SQLite file that is migrated."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.source.connect import sqlite_path


class SQLiteSource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The SQLite file that is migrated; it is only read."""

    url: str = Field(default="", description="A path, or a URL such as sqlite:////data/app.db.")
    allow_pause: bool = Field(
        default=False, description="Take the snapshot although writers will wait for it more than 2 s."
    )

    @property
    def path(self) -> Path:
        """The file, as an absolute path.

        Raises:
            ConfigurationError: no file is named, or what is named is no SQLite URL.
        """
        if not self.url:
            raise ConfigurationError(
                "No SQLite file is named.", "Set WEAVIATE_MIGRATION_SQLITE_URL, or the resource `source` in the run."
            )
        return sqlite_path(self.url).absolute()
