"""Dagster's tables in a new SQLite file: made in one transaction, where Dagster syncs each statement by itself."""

import functools

import sqlalchemy as db
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from dagster._core.storage.sql import ALEMBIC_SCRIPTS_LOCATION
from sqlalchemy.engine import Connection


def make_tables(connection: Connection, metadata: db.MetaData) -> None:
    """Makes the tables that are missing, and stamps a file without a stamp with Dagster's newest revision.

    It is part of the connection's transaction, which the caller commits. Of two processes that do so at once, the
    second one waits for the first, and finds everything.

    Raises:
        sqlalchemy.exc.OperationalError: another process writes for too long, or the disk is full.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    metadata.create_all(connection)
    if not is_stamped(connection):
        MigrationContext.configure(connection).stamp(_scripts(), "head")


def is_stamped(connection: Connection) -> bool:
    """Whether Dagster has made its tables in the file; it takes such a file as it is, whatever its revision."""
    if "alembic_version" not in table_names(connection):
        return False
    return bool(connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar())


def table_names(connection: Connection) -> set[str]:
    """The tables that are there."""
    return set(db.inspect(connection).get_table_names())


@functools.cache
def _scripts() -> ScriptDirectory:
    """Dagster's revisions, for all of its storages: 60 files, which are read once for a process."""
    config = Config()
    config.set_main_option("script_location", ALEMBIC_SCRIPTS_LOCATION)
    return ScriptDirectory.from_config(config)
