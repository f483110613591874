"""The application's own queries that are in force: `queries.yaml` in the work folder, as the file of `--queries` was.

They are kept, so that whoever switches later, or looks again, asks them too.
"""

from pathlib import Path

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.query_file import NO_QUERIES, Queries, parse_queries, read_queries


class KeptQueries:
    """The queries of one work folder.

    Args:
        work_dir: the work folder.
    """

    def __init__(self, work_dir: Path) -> None:
        self.path = work_dir / "queries.yaml"

    def keep(self, queries: Queries) -> None:
        """Puts these in force, in place of others; where there are none, none are any more."""
        if not queries.queries:
            self.path.unlink(missing_ok=True)
        elif queries != self.read():
            replace_file(self.path, queries.text)

    def read(self, mapping: Mapping | None = None) -> Queries:
        """Those that are in force; none where nothing was kept.

        Args:
            mapping: it has to have what they ask for; None: that is not asked.

        Raises:
            ConfigurationError: the file was edited since and is wrong, or the mapping has not what it asks for.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return NO_QUERIES
        return parse_queries(text, str(self.path), mapping)


def current_queries(config: MigrationConfig, mapping: Mapping) -> Queries:
    """The queries that the settings name; where they name none, those that are in force in the work folder.

    Raises:
        ConfigurationError: there is no such file, or it is wrong, or the mapping has not what it asks for.
    """
    if config.queries is not None:
        return read_queries(config.queries, mapping)
    return KeptQueries(config.work_dir.absolute()).read(mapping)
