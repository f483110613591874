"""The application's own queries that are in force, as the file of `--queries` was when it was given last.

They are kept, so that whoever switches later, or looks again, asks them too.
"""

import json
from pathlib import Path

from weaviate_migration.mapping import Mapping
from weaviate_migration.mapping.query_file import NO_QUERIES, Queries, parse_queries, read_queries
from weaviate_migration.work_folder.state_store import StateStore

_KIND = "queries"
# There is one file of them at a time.
_IN_FORCE = "in force"
_NAME = "the queries of before"


class KeptQueries:
    """The queries of one store."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def keep(self, queries: Queries) -> None:
        """Puts these in force, in place of others; where there are none, none are any more."""
        if not queries.queries:
            self._store.remove(_KIND)
        elif queries.text != self._text():
            self._store.write(_KIND, _IN_FORCE, json.dumps(queries.text))

    def read(self, mapping: Mapping | None = None) -> Queries:
        """Those that are in force; none where nothing was kept.

        Args:
            mapping: it has to have what they ask for; None: that is not asked.

        Raises:
            ConfigurationError: the mapping has not what they ask for.
        """
        text = self._text()
        return parse_queries(text, _NAME, mapping) if text is not None else NO_QUERIES

    def current(self, named: Path | None, mapping: Mapping) -> Queries:
        """The queries of the file that the settings name; where they name none, those that are in force.

        Raises:
            ConfigurationError: there is no such file, or it is wrong, or the mapping has not what it asks for.
        """
        return read_queries(named, mapping) if named is not None else self.read(mapping)

    def _text(self) -> str | None:
        kept = self._store.read(_KIND, _IN_FORCE)
        return str(json.loads(kept)) if kept is not None else None


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes the queries that an older version has kept into the store; returns their file."""
    files = list(folder.glob("queries.yaml"))
    for each in files:
        store.write(_KIND, _IN_FORCE, json.dumps(each.read_text(encoding="utf-8")))
    return files
