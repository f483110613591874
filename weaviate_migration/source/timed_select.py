"""A statement of the application's own, asked of its file as it would ask: read-only, timed, and ended in time."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.base.deadline import seconds_left
from weaviate_migration.base.errors import SourceError
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.connect import connect_to_read, end_if_interrupted, source_errors
from weaviate_migration.source.rows import prepare_for_rows

LONGEST_SECONDS = 30.0
"""For one statement: no reader waits longer for a search."""
# SQLite does so many in a millisecond or less.
_OPCODES_BETWEEN_LOOKS = 10_000


@dataclass(frozen=True)
class SelectedRows:
    """The first rows of a statement, and how long it took to have them."""

    rows: tuple[tuple[SqlValue, ...], ...]
    seconds: float


class TimedSelects:
    """Asks statements of one file.

    Args:
        connection: read-only, and prepared for rows.
        longest_seconds: for one statement.
    """

    def __init__(self, connection: sqlite3.Connection, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._connection = connection
        self._longest_seconds = longest_seconds

    def first_rows(self, statement: str, most: int) -> SelectedRows:
        """The first rows, so many at most.

        Args:
            statement: one SELECT without parameters.

        Raises:
            SourceError: SQLite refuses it, or it takes too long.
        """
        began = time.monotonic()
        ends = began + seconds_left(self._longest_seconds)
        self._connection.set_progress_handler(lambda: time.monotonic() >= ends, _OPCODES_BETWEEN_LOOKS)
        try:
            with closing(self._connection.execute(statement)) as cursor:
                rows = tuple(cursor.fetchmany(most))
        except sqlite3.Error as error:
            if time.monotonic() >= ends:
                raise SourceError(f"SQLite has no answer after {ends - began:g} s") from error
            end_if_interrupted(error)
            raise SourceError(f"SQLite does not take it: {error}") from error
        return SelectedRows(rows, time.monotonic() - began)


@contextmanager
def opened_for_selects(path: Path, scratch: Path) -> Iterator[TimedSelects]:
    """What asks statements of a file.

    Args:
        path: what `readable_source` gave.
        scratch: a folder for what is sorted on disk.

    Raises:
        SourceError: the file cannot be read.
    """
    with source_errors(path):
        connection = connect_to_read(path)
    with closing(connection):
        with source_errors(path):
            prepare_for_rows(connection, object_uuid, scratch)
        yield TimedSelects(connection)
