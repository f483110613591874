"""The unique indexes of a table: what no two of its rows may have alike, as SQL that can be asked again.

SQLite's pragmas name columns and collations; expressions and the condition of a partial index are only in its SQL.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.source.inspect import quoted

# Blanks and comments; then what is one piece, whatever is in it; then any other character by itself.
_TOKEN = re.compile(
    r"""(?P<blank>(?:\s|--[^\n]*|/\*.*?(?:\*/|\Z))+)
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
      | \w+ | .""",
    re.VERBOSE | re.DOTALL,
)


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
    tokens = [" " if match["blank"] else match[0] for match in _TOKEN.finditer(sql)]
    opening = tokens.index("(")
    closing = next(at for at, depth in _depths(tokens) if at > opening and depth == 0)
    rest = "".join(tokens[closing + 1 :]).strip(" ;")
    terms = [_without_order("".join(term)) for term in _split(tokens[opening + 1 : closing])]
    return terms, rest.removeprefix(rest[:5]).strip() if rest else None


def _depths(tokens: list[str]) -> Iterator[tuple[int, int]]:
    """Position and depth of parentheses behind each token."""
    depth = 0
    for at, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        yield at, depth


def _split(tokens: list[str]) -> Iterator[list[str]]:
    """The tokens between commas that are in no parentheses."""
    begin = 0
    for at, depth in _depths(tokens):
        if tokens[at] == "," and depth == 0:
            yield tokens[begin:at]
            begin = at + 1
    yield tokens[begin:]


def _without_order(term: str) -> str:
    return re.sub(r"\s(?:ASC|DESC)\s*\Z", "", term, flags=re.IGNORECASE).strip()
