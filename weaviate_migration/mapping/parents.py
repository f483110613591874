"""The parents that rows name: of a key that a column holds, the UUID of the parent's object.

SQLite compares a child's value with a key by the affinity of the key's column: '7' in a text column names the row 7. So
the value is brought to what the parent's column would hold, and the UUID is made from that, whether or not there is
such a parent.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from typing import Literal, NamedTuple

from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue

Affinity = Literal["INTEGER", "REAL", "NUMERIC", "TEXT", "BLOB"]

# What a column of an affinity keeps as it is; of most else SQLite itself is asked. A blob is always kept.
_KEPT: dict[Affinity, tuple[type, ...]] = {
    "INTEGER": (int, bytes),
    "NUMERIC": (int, bytes),
    "REAL": (bytes,),
    "TEXT": (str, bytes),
    "BLOB": (int, float, str, bytes),
}
# A text with any such character is no number, and is kept, too.
_in_no_number = re.compile(r"[^0-9+\-.eE \t\n\v\f\r]").search
# Rows that follow each other often have the same parents.
_REMEMBERED = 10_000


class ParentKey(NamedTuple):
    """What a column of a table names, where a mapping makes something of it.

    Attributes:
        column: of the child, as the file spells it.
        table: the parent's, as the file spells it.
        affinity: of the column that is the parent's key.
        parent_id: the property that holds the UUID of the parent's object; '' for none.
        reference: the cross-reference to it; '' for none.
    """

    column: str
    table: str
    affinity: Affinity
    parent_id: str = ""
    reference: str = ""


def affinity_of(declared_type: str) -> Affinity:
    """The affinity of a column, from its declared type: https://www.sqlite.org/datatype3.html, 3.1."""
    declared = folded(declared_type)
    rules: tuple[tuple[Affinity, tuple[str, ...]], ...] = (
        ("INTEGER", ("int",)),
        ("TEXT", ("char", "clob", "text")),
        ("BLOB", ("blob",)),
        ("REAL", ("real", "floa", "doub")),
    )
    found: Affinity = next(
        (affinity for affinity, words in rules if any(word in declared for word in words)), "NUMERIC"
    )
    return found if declared else "BLOB"


def parent_uuid(parent: ParentKey) -> Callable[[SqlValue], str | None]:
    """A function of the child's value that gives the UUID of the parent's object; None for NULL."""

    def uuid_of(value: SqlValue) -> str | None:
        return None if value is None else object_uuid(parent.table, (stored(parent.affinity, value),))

    remembered = lru_cache(_REMEMBERED, typed=True)(uuid_of)
    # 0.0 and -0.0 are equal and of one type, and two keys.
    return lambda value: uuid_of(value) if isinstance(value, float) else remembered(value)


def stored(affinity: Affinity, value: SqlValue) -> SqlValue:
    """What a column of this affinity holds when a value is put into it."""
    if isinstance(value, _KEPT[affinity]) or (isinstance(value, str) and _in_no_number(value)):
        return value
    if affinity == "TEXT" and isinstance(value, int):
        return str(value)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE parent (key {affinity})")
        connection.execute("INSERT INTO parent VALUES (?)", (value,))
        found: SqlValue = connection.execute("SELECT key FROM parent").fetchone()[0]
        return found
