"""Dagster's SQLite storages, on the same files and tables, with connections that stay open.

Dagster opens and closes three connections for each event; the last one to close a file syncs it as a whole. Here an
event is written once to its run's file and once to the index, a batch in one transaction for each. All else is
Dagster's own code. Private parts of Dagster are used: `dagster_storage.py` opens this for the versions that it was
tested with, and for no others.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as db
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import (
    AssetKeyTable,
    SqlEventLogStorageMetadata,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import create_db_conn_string
from dagster._serdes import ConfigurableClassData
from dagster._utils import PrintFn
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Engine

from weaviate_migration.base.sqlite_connections import SqliteConnections
from weaviate_migration.runs.sqlite_tables import is_stamped, make_tables, table_names

# The index and the newest runs: a process that lives long, as the UI, sees many runs.
FILES_KEPT_OPEN = 5
_MIRRORED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}


class PooledEventLogStorage(SqliteEventLogStorage):
    """The events: a file for each run, and the index of all runs."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._connections = SqliteConnections(FILES_KEPT_OPEN, self._prepare)
        self._found: set[tuple[str, str]] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._connections.transaction(self.conn_string_for_shard(shard)) as connection:
            yield connection

    def _prepare(self, connection: Connection) -> None:
        with connection.begin():
            stamped = is_stamped(connection)
        if not stamped:
            self._initdb(connection.engine)

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        with engine.begin() as connection:
            is_new = not table_names(connection)
            if is_new:
                make_tables(connection, SqlEventLogStorageMetadata)
        if not is_new:
            super()._initdb(engine, for_index_shard)

    def store_event(self, event: EventLogEntry) -> None:
        """Writes an event to the file of its run, and to the index if that has events of its type."""
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Writes events to the files of their runs, then those that the index has, too, to the index."""
        rows = [(event, self._event_to_row(event)) for event in events]
        for run_id in dict.fromkeys(event.run_id for event in events):
            with self.run_connection(run_id) as connection:
                connection.execute(
                    SqlEventLogStorageTable.insert(), [row for event, row in rows if event.run_id == run_id]
                )
            # Who watches a run waits for a change of this file; until a checkpoint the events are in the one beside it.
            os.utime(self.path_for_shard(run_id))
        mirrored = [each for each in rows if each[0].dagster_event_type in _MIRRORED]
        if mirrored:
            with self.index_transaction() as connection:
                self._mirror(connection, mirrored)

    def _mirror(self, connection: Connection, rows: Sequence[tuple[EventLogEntry, Mapping[str, Any]]]) -> None:
        add = SqlEventLogStorageTable.insert()
        stored = [(event, connection.execute(add, row).lastrowid) for event, row in rows]
        of_assets = [each for each in stored if each[0].dagster_event_type in ASSET_EVENTS]
        self._store_asset_event_tags(connection, [event for event, _ in of_assets], [number for _, number in of_assets])
        for event, number in _newest(of_assets):
            self._store_asset_event(connection, event, number)
        for event, number in stored:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                # It asks for the index, and gets this transaction.
                self.store_asset_check_event(event, number)

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        """One statement; Dagster inserts, and updates after the error."""
        key = event.dagster_event.asset_key if event.dagster_event else None
        if key is None:
            return
        values = self._get_asset_entry_values(event, event_id, self._has_asset_key_index_cols_on_connection(conn))
        if values:
            new = insert(AssetKeyTable).values(asset_key=key.to_string(), **values)
            conn.execute(new.on_conflict_do_update(index_elements=[AssetKeyTable.c.asset_key], set_=values))

    # What is there stays there: it is asked for once, not with each event.

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table."""
        return self._is_there("table", table_name, self._has_table)

    def has_secondary_index(self, name: str) -> bool:
        """Whether the data have been brought to this form."""
        return self._is_there("index", name, super().has_secondary_index)

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        ask = super()._has_asset_key_col_on_connection
        return self._is_there("column", column_name, lambda name: ask(conn, name))

    def _has_table(self, name: str) -> bool:
        with self.index_connection() as connection:
            return db.inspect(connection).has_table(name)

    def _is_there(self, kind: str, name: str, ask: Callable[[str], bool]) -> bool:
        if (kind, name) not in self._found and ask(name):
            self._found.add((kind, name))
        return (kind, name) in self._found

    def reindex_events(self, print_fn: PrintFn | None = None, force: bool = False) -> None:
        """As Dagster does, in one transaction."""
        with self.index_connection():
            super().reindex_events(print_fn, force)

    def reindex_assets(self, print_fn: PrintFn | None = None, force: bool = False) -> None:
        """As Dagster does, in one transaction."""
        with self.index_connection():
            super().reindex_assets(print_fn, force)

    def dispose(self) -> None:
        """Closes the files; the next use opens them again."""
        super().dispose()
        self._connections.close()


class _OneFile:
    """Mixin, before Dagster's class of a storage in one file: its connection stays open. That class's is not used."""

    _conn_string: str

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._connections = SqliteConnections(1)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A transaction on the file; within one of the same thread, that one."""
        with self._connections.transaction(self._conn_string) as connection:
            yield connection

    def dispose(self) -> None:
        """Closes the file; the next use opens it again. Dagster's class has nothing to close."""
        self._connections.close()


class PooledRunStorage(_OneFile, SqliteRunStorage):
    """The runs, their tags and snapshots; backfills."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        """The storage of a folder, whose file is made if it is missing."""
        storage = cls(_file_in(base_dir, "runs"), inst_data)
        return storage if _is_ready(storage, RunStorageSqlMetadata) else super().from_local(base_dir, inst_data)


class PooledScheduleStorage(_OneFile, SqliteScheduleStorage):
    """Schedules and sensors, and when they have ticked."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> SqliteScheduleStorage:
        """The storage of a folder, whose file is made if it is missing."""
        storage = cls(_file_in(base_dir, "schedules"), inst_data)
        return storage if _is_ready(storage, ScheduleStorageSqlMetadata) else super().from_local(base_dir, inst_data)


def _newest(of_assets: Sequence[tuple[EventLogEntry, int]]) -> Iterable[tuple[EventLogEntry, int]]:
    """The last event of each type for each asset: it replaces what those before it say of the asset."""
    newest: dict[Any, tuple[EventLogEntry, int]] = {}
    for event, number in of_assets:
        key = (event.dagster_event_type, event.get_dagster_event().asset_key)
        newest.pop(key, None)  # In the order of the last ones.
        newest[key] = event, number
    return newest.values()


def _file_in(base_dir: str, name: str) -> str:
    Path(base_dir).mkdir(parents=True, exist_ok=True)
    return create_db_conn_string(base_dir, name)


def _is_ready(storage: PooledRunStorage | PooledScheduleStorage, metadata: db.MetaData) -> bool:
    """Whether the file has all tables, which one without any gets; Dagster knows what to do with any other."""
    with storage.connect() as connection:
        there = table_names(connection)
        if there:
            return is_stamped(connection) and metadata.tables.keys() <= there
        make_tables(connection, metadata)
        # They ask for connections, and get this transaction: a file has everything or nothing.
        storage.migrate()
        storage.optimize()
    return True
