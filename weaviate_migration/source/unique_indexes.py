"""The unique indexes of a table: what no two of its rows may have alike, as SQL that can be asked again.

SQLite's pragmas name columns and collations; expressions and the condition of a partial index are only in its SQL.
"""

import re
import sqlite3
from dataclasses import dataclass

from weaviate_migration.source.inspect import quoted
from weaviate_migration.source.sql_tokens import in_parentheses, tokens_of


@dataclass(frozen=True)
class IndexTerm:
    """One of the things that an index is of.

    Attributes:
        column: its name; None where it is an expression.
        sql: the quoted column, or the expression.
        collation: by which its values are compared in the index.
    """

    column: str | None
    sql: str
    collation: str

    @property
    def collated(self) -> str:
        """The term as the index compares it; so written, SQLite can use the index for it."""
        return f"({self.sql}) COLLATE {quoted(self.collation)}"


@dataclass(frozen=True)
class UniqueIndex:
    """A unique index; `where` is the condition of a partial one, `is_primary_key` whether it is the declared key's."""

    terms: tuple[IndexTerm, ...]
    where: str | None
    is_primary_key: bool


def unique_indexes(connection: sqlite3.Connection, table: str) -> list[UniqueIndex]:
    """All unique indexes of a table, those of its constraints too; the rowid has none."""
    listed = connection.execute(
        """
SELECT listed.name, origin, (SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = listed.name)
FROM pragma_index_list(?) AS listed WHERE "unique" ORDER BY listed.name
""",
        (table,),
    ).fetchall()
    return [_unique_index(connection, name, sql, is_primary_key=origin == "pk") for name, origin, sql in listed]


def _unique_index(connection: sqlite3.Connection, name: str, sql: str | None, *, is_primary_key: bool) -> UniqueIndex:
    expressions, where = _parsed(sql) if sql else ([], None)
    statement = "SELECT seqno, name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno"
    terms = tuple(
        IndexTerm(column, expressions[at] if column is None else quoted(column), collation)
        for at, column, collation in connection.execute(statement, (name,)).fetchall()
    )
    return UniqueIndex(terms, where, is_primary_key)


def _parsed(sql: str) -> tuple[list[str], str | None]:
    """The terms in CREATE INDEX, without ASC and DESC, and its WHERE."""
    terms, rest = in_parentheses(tokens_of(sql))
    where = "".join(rest).strip(" ;")
    return [_without_order("".join(term)) for term in terms], where.removeprefix(where[:5]).strip() if where else None


def _without_order(term: str) -> str:
    return re.sub(r"\s(?:ASC|DESC)\s*\Z", "", term, flags=re.IGNORECASE).strip()
