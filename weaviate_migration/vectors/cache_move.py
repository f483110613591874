"""Made vectors in a work folder's file move to the PostgreSQL database that has the state by now.

A chunk of them goes in one transaction, and what is there stays: whoever is killed on the way leaves the file, and the
next command goes through it again. Only then the file gets another name.
"""

import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as db
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from weaviate_migration.base.sqlite_database import put_aside
from weaviate_migration.vectors.cache_places import FilePlace, ServerPlace
from weaviate_migration.vectors.cache_tables import OF_FILE, OF_SERVER

PUT_ASIDE = "vectors.moved.sqlite"
# Some megabytes: whoever makes vectors meanwhile waits for no more.
_ROWS_AT_ONCE = 500

logger = logging.getLogger(__name__)


def move_vectors(file: Path, url: str) -> None:
    """Moves the vectors of a file to a database; of two that were made of the same text, the one there stays.

    Args:
        file: nobody writes to it any more.
        url: of the PostgreSQL database.

    Raises:
        StorageError: the file cannot be read, or its folder cannot be written to.
        StateNotUsableError, StateConnectionError: the server cannot be used, or has gone away.
        VectorCacheError: one of them is damaged, or none of ours.
    """
    with closing(FilePlace(file)) as old, closing(ServerPlace(url)) as new:
        with old.reading() as connection:
            lengths = _rows(connection, db.select(OF_FILE.models))
        new.alone(partial(_keep, OF_SERVER.models, lengths))
        last = 0
        while rows := _chunk(old, last):
            last = rows[-1]["id"]
            kept = [{name: value for name, value in each.items() if name != "id"} for each in rows]
            new.alone(partial(_keep, OF_SERVER.vectors, kept))
    put_aside(file, PUT_ASIDE)  # Closed, SQLite has put what is in its log into the file.
    logger.info("the made vectors of %s are in %s now; what was their file is %s", file, new.told, PUT_ASIDE)


def _chunk(old: FilePlace, after: int) -> list[dict[str, Any]]:
    vectors = OF_FILE.vectors
    wanted = db.select(vectors).where(vectors.c.id > after).order_by(vectors.c.id).limit(_ROWS_AT_ONCE)
    with old.reading() as connection:
        return _rows(connection, wanted)


def _rows(connection: Connection, wanted: db.Select[Any]) -> list[dict[str, Any]]:
    return [dict(each) for each in connection.execute(wanted).mappings()]


def _keep(table: db.Table, rows: list[dict[str, Any]], connection: Connection) -> None:
    if rows:
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
