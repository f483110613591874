"""The tables of the store of a migration's state.

A change of them is a change of `SCHEMA`, and a file in `state_schema/versions/` that brings older stores to it.
"""

from datetime import UTC, datetime

import sqlalchemy as db
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

# The newest of `state_schema/versions/`.
SCHEMA = "0001"

metadata = db.MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"})


class UtcDateTime(TypeDecorator[datetime]):
    """A moment; SQLite keeps no zone, and gets it in UTC."""

    impl = db.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: db.Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: db.Dialect) -> datetime | None:  # noqa: ARG002
        """With its zone."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo is not None else value.replace(tzinfo=UTC)


# Names are ordered by their characters, as SQLite and Python do, whatever language a server speaks.
NAME = db.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _name(column: str, *, primary_key: bool = False) -> db.Column[str]:
    return db.Column(column, NAME, nullable=False, primary_key=primary_key)


# Every format that is one value: of an owner, or of one of its parts.
documents = db.Table(
    "documents",
    metadata,
    _name("kind", primary_key=True),
    _name("owner", primary_key=True),
    _name("part", primary_key=True),
    db.Column("content", db.Text, nullable=False),
    db.Column("written_at", UtcDateTime, nullable=False),
)

# How each migration goes over time.
moments = db.Table(
    "moments",
    metadata,
    db.Column("number", db.Integer, primary_key=True),
    _name("migration"),
    _name("kind"),
    db.Column("content", db.Text, nullable=False),
    db.Index(None, "migration", "number"),
)

# Which rows are in the quarantine; what they hold is in files.
quarantined_rows = db.Table(
    "quarantined_rows",
    metadata,
    _name("collection", primary_key=True),
    _name("partition", primary_key=True),
    db.Column("number", db.Integer, primary_key=True, autoincrement=False),
    db.Column("uuid", db.Text),
    db.Column("tenant", db.Text),
    db.Column("key", db.Text, nullable=False),
    db.Column("reason", db.Text, nullable=False),
    _name("category"),
)

# The vectors that objects lack: as many as objects, asked for one by one.
pending_vectors = db.Table(
    "pending_vectors",
    metadata,
    _name("collection", primary_key=True),
    _name("address", primary_key=True),
    _name("vector", primary_key=True),
    sqlite_with_rowid=False,
)

# Who has a lock of a store that several machines share.
lock_holders = db.Table(
    "lock_holders",
    metadata,
    _name("lock", primary_key=True),
    _name("token"),
    _name("name"),
    _name("machine"),
    db.Column("process", db.Integer, nullable=False),
    db.Column("since", UtcDateTime, nullable=False),
    db.Column("beat_at", UtcDateTime, nullable=False),
)
