"""Writes the demo: a new SQLite file as the application would have left it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from weaviate_migration.base.errors import ConfigurationError, SourceError
from weaviate_migration.demo import accounts
from weaviate_migration.demo.awkward import AWKWARD_CHANGES
from weaviate_migration.demo.conversations import (
    conversation_rows,
    hold_conversations,
    interaction_rows,
    message_rows,
    multimodal_rows,
)
from weaviate_migration.demo.documents import chunk_rows, document_rows
from weaviate_migration.demo.schema import INDEXES, TABLES
from weaviate_migration.demo.stdlib_docs import ModuleDocs, read_modules
from weaviate_migration.demo.values import Row

# SQLite keeps this number in the file's header for its application; it is how a demo file is recognised.
DEMO_APPLICATION_ID = 0x57764D67
_APPLICATION_ID_BYTES = slice(68, 72)


@dataclass(frozen=True)
class DemoCounts:
    """How many rows each table of the demo file has."""

    alembic_version: int
    users: int
    search_queries: int
    conversations: int
    messages: int
    documents: int
    document_chunks: int
    agent_interactions: int
    multimodal_content: int


def write_demo_file(path: Path, *, replace: bool = False) -> DemoCounts:
    """Make a SQLite file with the application's tables, filled from the documentation of the standard library.

    `conversations` lacks the column `user_id`, so its objects get the mapping's "unknown". The file is complete
    or not there: it is written beside its place and then moved. Its journal mode is WAL, and it is closed.

    Args:
        path: where the file will be; its folder exists.
        replace: overwrite an earlier demo file. Anything else is never overwritten.

    Raises:
        ConfigurationError: something else is at that place, or the folder cannot be written to.
        MigrationError: this Python has no sources of its standard library.
        SourceError: SQLite could not write the file.
    """
    try:
        _refuse_occupied_place(path, replace)
        return _write_beside_and_move(path, _rows_by_table(read_modules()))
    except OSError as error:
        raise ConfigurationError(f"The demo file {path} cannot be made: {error}") from error
    except sqlite3.Error as error:
        raise SourceError(f"SQLite could not write the demo file {path}: {error}") from error


def _write_beside_and_move(path: Path, rows_by_table: dict[str, list[Row]]) -> DemoCounts:
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        draft = Path(folder, path.name)
        counts = _write_rows(draft, rows_by_table)
        _move_into_place(draft, path)
    return counts


def _refuse_occupied_place(path: Path, replace: bool) -> None:
    if any(_has_content(journal) for journal in (_sidecar(path, "-wal"), _sidecar(path, "-journal"))):
        raise ConfigurationError(
            f"{path} has a journal with changes beside it: an application is using it, or stopped halfway.",
            hint="Close the application, or open and close the file with sqlite3; or choose another path.",
        )
    if not (path.exists() or path.is_symlink()):
        return
    if not _is_demo_file(path):
        raise ConfigurationError(f"{path} exists and is no demo file.", hint="Choose a path where nothing is yet.")
    if not replace:
        raise ConfigurationError(f"{path} exists already.", hint="Allow it to be replaced, or choose another path.")


def _is_demo_file(path: Path) -> bool:
    """Whether the header carries the demo's number; SQLite is not asked, so that nothing is touched."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        header = file.read(_APPLICATION_ID_BYTES.stop)
    return header[_APPLICATION_ID_BYTES] == DEMO_APPLICATION_ID.to_bytes(4, "big")


def _sidecar(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _move_into_place(draft: Path, path: Path) -> None:
    """Readers leave an index and an empty journal behind, which belong to the file that goes away."""
    for suffix in ("-wal", "-shm"):
        _sidecar(path, suffix).unlink(missing_ok=True)
    draft.replace(path)


def _rows_by_table(modules: tuple[ModuleDocs, ...]) -> dict[str, list[Row]]:
    documents, conversations = document_rows(modules), hold_conversations(modules)
    return {
        "alembic_version": accounts.alembic_version_rows(),
        "users": accounts.user_rows(),
        "search_queries": accounts.search_query_rows(),
        "conversations": conversation_rows(conversations),
        "messages": message_rows(conversations),
        "documents": documents,
        "document_chunks": chunk_rows(documents),
        "agent_interactions": interaction_rows(conversations),
        "multimodal_content": multimodal_rows(conversations),
    }


def _write_rows(path: Path, rows_by_table: dict[str, list[Row]]) -> DemoCounts:
    """Everything in one transaction, with foreign keys enforced; closing the file empties its journal."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {DEMO_APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        for statement in (*TABLES.values(), *INDEXES):
            connection.execute(statement)
        for table in TABLES:
            _insert_rows(connection, table, rows_by_table[table])
        for change in AWKWARD_CHANGES:
            connection.execute(change)
        connection.execute("COMMIT")
    return DemoCounts(**{table: len(rows) for table, rows in rows_by_table.items()})


def _insert_rows(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    columns = list(rows[0])
    placeholders = ", ".join(f":{column}" for column in columns)
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders})", rows)
