"""The tables of a store that is opened: made where there are none, brought to this version where they are older."""

from importlib import import_module

import sqlalchemy as db
from sqlalchemy.engine import Connection

from weaviate_migration.work_folder.state_tables import SCHEMA, metadata

# As Alembic has it, but for the name: the same database may hold Dagster's, which has the usual one.
VERSION_TABLE = "weaviate_migration_version"
_versions = db.Table(
    VERSION_TABLE, db.MetaData(), db.Column("version_num", db.String(32), primary_key=True, nullable=False)
)
_IS_OLDER = "weaviate_migration.work_folder.state_schema.upgrade"
# Any number: of those who make tables at once, one does.
_LOCK_OF_SERVER = 0x776D7374


def prepare(connection: Connection) -> None:
    """Sees to it that the store has the tables of this version.

    Args:
        connection: outside of a transaction.

    Raises:
        StateNotUsableError: a newer version has made it.
    """
    with connection.begin():
        if _version(connection) == SCHEMA:
            return
    with connection.begin():
        _alone(connection)
        match _version(connection):
            case None:
                _make(connection)
            case other if other != SCHEMA:
                import_module(_IS_OLDER).upgrade(connection)


def _version(connection: Connection) -> str | None:
    """Of the store; None where it has no tables, '' where they are older than the first version."""
    if not db.inspect(connection).has_table(_versions.name):
        return None
    return connection.scalar(db.select(_versions.c.version_num)) or ""


def _alone(connection: Connection) -> None:
    """Until the end of the transaction no other process makes tables."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(db.select(db.func.pg_advisory_xact_lock(_LOCK_OF_SERVER)))


def _make(connection: Connection) -> None:
    """As `versions/` would do, all of them one after the other; without Alembic, which takes time to import."""
    metadata.create_all(connection, checkfirst=False)
    _versions.create(connection)
    connection.execute(_versions.insert().values(version_num=SCHEMA))
