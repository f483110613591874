"""The tables of made vectors: a SQLite file has them alone, a PostgreSQL database beside others.

In SQLite a rowid table with a unique key takes 17 times as many rows a second as one whose rows lie in the order of
their keys, and half of its room (measured: 48,700 and 2,800).
"""

import sqlalchemy as db
from sqlalchemy.engine import Connection

from weaviate_migration.base.errors import VectorCacheError

# "wmvc" as a number: SQLite keeps it in the file's head; of those who make the tables on a server at once, one does.
_APPLICATION_ID = 0x776D7663
_FORMAT = 1


class CacheTables:
    """Those of one cache.

    Args:
        prefix: of their names.
    """

    def __init__(self, prefix: str) -> None:
        self.metadata = db.MetaData()
        self.vectors = db.Table(
            f"{prefix}vectors",
            self.metadata,
            db.Column("id", db.BigInteger().with_variant(db.Integer, "sqlite"), primary_key=True),
            db.Column("key", db.LargeBinary, nullable=False, unique=True),
            db.Column("vector", db.LargeBinary, nullable=False),
            db.Column("checksum", db.BigInteger, nullable=False),
        )
        self.models = db.Table(
            f"{prefix}models",
            self.metadata,
            db.Column("digest", db.Text, primary_key=True),
            db.Column("length", db.Integer, nullable=False),
            sqlite_with_rowid=False,
        )
        # Who makes the vector of a text right now.
        self.claims = db.Table(
            f"{prefix}claims",
            self.metadata,
            db.Column("key", db.LargeBinary, primary_key=True),
            db.Column("owner", db.Text, nullable=False),
            sqlite_with_rowid=False,
        )
        self.calls = db.Table(
            f"{prefix}calls",
            self.metadata,
            db.Column("command", db.Text, primary_key=True),
            db.Column("made", db.Integer, nullable=False),
            sqlite_with_rowid=False,
        )

    @property
    def names(self) -> list[str]:
        """Of all of them."""
        return list(self.metadata.tables)


OF_FILE = CacheTables("")
OF_SERVER = CacheTables("vector_cache_")
# A file says it in its head.
_format = db.Table("vector_cache_format", db.MetaData(), db.Column("version", db.Integer, nullable=False))


def refuse_other_file(connection: Connection) -> None:
    """Raises VectorCacheError where a SQLite file is none of ours; before anything of it is altered."""
    _is_made_in_file(connection)


def prepare_file(connection: Connection) -> None:
    """Makes the tables where a SQLite file has none at all.

    Args:
        connection: outside of a transaction.

    Raises:
        VectorCacheError: it is no file of ours, or of another version.
    """
    with connection.begin():
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not _is_made_in_file(connection):
            OF_FILE.metadata.create_all(connection, checkfirst=False)
            connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version = {_FORMAT}")


def prepare_server(connection: Connection) -> None:
    """Makes the tables where a PostgreSQL database has none of ours.

    Args:
        connection: outside of a transaction.

    Raises:
        VectorCacheError: they are of another version.
    """
    with connection.begin():
        if _is_made_on_server(connection):
            return
    with connection.begin():
        connection.execute(db.select(db.func.pg_advisory_xact_lock(_APPLICATION_ID)))
        if not _is_made_on_server(connection):
            OF_SERVER.metadata.create_all(connection, checkfirst=False)
            _format.create(connection)
            connection.execute(_format.insert().values(version=_FORMAT))


def _is_made_in_file(connection: Connection) -> bool:
    path = connection.engine.url.database
    # In this order: another process may make the file in between, all of it in one transaction.
    tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar()
    application_id = connection.exec_driver_sql("PRAGMA application_id").scalar()
    if application_id == 0 and not tables:
        return False
    if application_id != _APPLICATION_ID:
        raise VectorCacheError(
            f"{path} is no file of made vectors: it has other tables.", "Name another file with --vector-cache."
        )
    _refuse_other_version(f"{path}", connection.exec_driver_sql("PRAGMA user_version").scalar())
    return True


def _is_made_on_server(connection: Connection) -> bool:
    if not db.inspect(connection).has_table(_format.name):
        return False
    place = connection.engine.url.render_as_string()
    _refuse_other_version(f"The cache of vectors in {place}", connection.scalar(db.select(_format.c.version)))
    return True


def _refuse_other_version(place: str, version: object) -> None:
    if version != _FORMAT:
        raise VectorCacheError(
            f"{place} was made by another version: its format is {version}, this version reads {_FORMAT}.",
            "Name another one with --vector-cache.",
        )
