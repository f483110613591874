"""Writes the demo: a new SQLite file as the application would have left it."""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import NAMESPACE_URL, uuid5

from weaviate_migration.base.errors import ConfigurationError, SourceError
from weaviate_migration.base.permissions import widen
from weaviate_migration.demo.contents import Exchange, ModuleRow, cut_text, exchanges, module_rows
from weaviate_migration.demo.stdlib_docs import ModuleDocs, read_modules

SCRIPTS = ("schema.sql", "rows.sql", "awkward.sql")
_FIRST_DAY = datetime(2024, 3, 1, 8, 0, 0)
_YEAR_IN_SECONDS = 365 * 24 * 60 * 60
_NAMESPACE = uuid5(NAMESPACE_URL, "https://docs.python.org/3/library/")
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


TABLES = tuple(each.name for each in fields(DemoCounts))


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
        return _write_beside_and_move(path, read_modules())
    except OSError as error:
        raise ConfigurationError(f"The demo file {path} cannot be made: {error}") from error
    except sqlite3.Error as error:
        raise SourceError(f"SQLite could not write the demo file {path}: {error}") from error


def _write_beside_and_move(path: Path, modules: tuple[ModuleDocs, ...]) -> DemoCounts:
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        draft = Path(folder, path.name)
        counts = _write_tables(draft, modules)
        widen(draft)
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


def script(name: str) -> str:
    """One of the `SCRIPTS`."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _write_tables(path: Path, modules: tuple[ModuleDocs, ...]) -> DemoCounts:
    """Everything in one transaction, with foreign keys enforced; closing the file empties its journal."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA application_id = {DEMO_APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        _give(connection, modules)
        connection.executescript("\n".join(["BEGIN;", *map(script, SCRIPTS), "COMMIT;"]))
        counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
    return DemoCounts(**counts)


def _give(connection: sqlite3.Connection, modules: tuple[ModuleDocs, ...]) -> None:
    """What the scripts use: two temporary tables, and functions for what SQL does not have."""
    talks = exchanges(modules)
    conversations = talks[-1].serial + 1
    _fill(connection, "modules", module_rows(modules))
    _fill(connection, "exchanges", talks)

    def filed(serial: int, hours: int) -> str:
        return _text(_moment(serial, len(modules)) + timedelta(hours=hours))

    def said(serial: int, position: int, milliseconds: float) -> str:
        """Some on a whole second, most not."""
        later = timedelta(seconds=23 * position, microseconds=position % 4 * 250_001, milliseconds=milliseconds)
        return _text(_moment(serial, conversations) + later)

    connection.create_function("filed", 2, filed)
    connection.create_function("said", 3, said)
    connection.create_function("key", 2, lambda table, name: str(uuid5(_NAMESPACE, f"{table}/{name}")))
    connection.create_function("sha256", 1, lambda text: hashlib.sha256(text.encode()).hexdigest())
    connection.create_function("json_text", 1, json.dumps)
    connection.create_function("pieces", 1, lambda text: json.dumps(list(cut_text(text))))


def _fill(connection: sqlite3.Connection, table: str, rows: Sequence[ModuleRow] | Sequence[Exchange]) -> None:
    columns = rows[0]._fields
    connection.execute(f"CREATE TEMP TABLE {table} ({', '.join(columns)})")
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in columns)})", rows)


def _moment(serial: int, total: int) -> datetime:
    """The date of the row `serial` of `total`, spread over a year; every third falls on a whole second."""
    microseconds = 0 if serial % 3 == 0 else serial * 7_919 % 1_000_000
    return _FIRST_DAY + timedelta(seconds=_YEAR_IN_SECONDS * serial // total, microseconds=microseconds)


def _text(moment: datetime) -> str:
    """As an application stores it: without an offset, with microseconds only where there are some."""
    return moment.isoformat(sep=" ")
