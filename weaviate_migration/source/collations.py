"""Collations that only the application has, stood in for: SQLite opens no index without its collation.

A stand-in compares texts by their bytes, as BINARY does. An index of the application's is in another order, so nothing
may be looked up in one by it: statements that compare such a column say COLLATE BINARY. A connection that
may write gets no stand-ins: what it put into an index would stand in the wrong place.
"""

import itertools
import sqlite3
from collections.abc import Iterator

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.sql_tokens import in_parentheses, outside_parentheses, tokens_of, unquoted


def stand_in_for_collations(connection: sqlite3.Connection) -> None:
    """Lets a connection that only reads open every index.

    Raises:
        sqlite3.Error: the schema cannot be read.
    """
    for name in missing_collations(connection):
        connection.create_collation(name, _by_bytes)


def missing_collations(connection: sqlite3.Connection) -> list[str]:
    """The collations that the schema names and this connection does not have.

    Args:
        connection: a new one: SQLite counts a collation among its own as soon as a statement has named it.
    """
    known = {folded(name) for _, name in connection.execute("PRAGMA collation_list")}
    statements = connection.execute("SELECT sql FROM sqlite_schema WHERE sql LIKE '%collate%'").fetchall()
    named = {folded(name): name for (sql,) in statements for name in _collations(tokens_of(sql))}
    return [name for key, name in sorted(named.items()) if key not in known]


def column_collations(sql: str) -> dict[str, str]:
    """The collation of each column that names one in a CREATE TABLE, by the column's name, folded."""
    columns, _ = in_parentheses(tokens_of(sql))
    outside = [outside_parentheses(column) for column in columns]
    return {folded(unquoted(each[0])): name for each in outside if each for name in _collations(each)}


def _collations(tokens: list[str]) -> Iterator[str]:
    words = [token for token in tokens if token != " "]
    return (unquoted(name) for word, name in itertools.pairwise(words) if word.upper() == "COLLATE")


def _by_bytes(one: str, other: str) -> int:
    return (one > other) - (one < other)
