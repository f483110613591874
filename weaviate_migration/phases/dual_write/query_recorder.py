"""QueryRecorder: what readers have really asked, and what SQLite has answered, as a file of queries."""

import threading
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.queries import NAME_LENGTH, Key, Query

MOST_QUERIES = 1_000
"""They are asked one after the other, each three times: a check of so many takes seconds."""

# So that a number has room behind it.
_NAME_LENGTH = NAME_LENGTH - 10


class QueryRecorder:
    """Keeps queries with the keys that SQLite has answered; for any number of threads, in bounded memory.

    Args:
        most_queries: so many different ones are kept, the first ones; the others are counted in `left_out`.
    """

    def __init__(self, most_queries: int = MOST_QUERIES) -> None:
        self.left_out = 0
        self._most_queries = most_queries
        self._lock = threading.Lock()
        self._recorded: dict[str, Query] = {}

    def record(self, query: Mapping[str, Any], keys: Iterable[Key], name: str = "") -> None:
        """Keeps a query; one that was asked before gets the keys of now. An answer without keys says nothing.

        Args:
            query: the fields of `weaviate_migration.mapping.queries.Query`, without name and keys.
            keys: of the rows in SQLite's answer, in its order; the first k are kept.
            name: otherwise the query is called by its kind.

        Raises:
            ValidationError: it is no such query.
        """
        k = query.get("k", Query.model_fields["k"].default)
        first = tuple(islice(keys, k))
        if not first:
            return
        asked = Query.model_validate({"name": name[:_NAME_LENGTH] or "recorded", **query, "keys": first})
        same = asked.model_dump_json(exclude={"name", "keys"})
        with self._lock:
            if same not in self._recorded and len(self._recorded) == self._most_queries:
                self.left_out += 1
            else:
                self._recorded[same] = asked

    @property
    def queries(self) -> tuple[Query, ...]:
        """What is recorded, each with a name of its own."""
        with self._lock:
            recorded = list(self._recorded.values())
        taken: dict[str, int] = {}
        named = []
        for each in recorded:
            number = taken[folded(each.name)] = taken.get(folded(each.name), 0) + 1
            named.append(each if number == 1 else each.model_copy(update={"name": f"{each.name} ({number})"}))
        return tuple(named)

    def save(self, path: Path) -> None:
        """Writes them as a file for `--queries`, in place of what is there. Texts and keys of the readers are in it.

        Raises:
            StorageError: it cannot be written.
        """
        queries = [each.model_dump(exclude_defaults=True) for each in self.queries]
        replace_file(path, yaml.safe_dump({"queries": queries}, sort_keys=False, allow_unicode=True))
