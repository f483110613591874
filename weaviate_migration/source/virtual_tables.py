"""Virtual tables, as the statements that made them say: SQLite has no pragma for their modules and arguments."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.sql_tokens import in_parentheses, tokens_of, unquoted

FULL_TEXT_MODULES = ("fts3", "fts4", "fts5")


@dataclass(frozen=True)
class VirtualTable:
    """A virtual table.

    Attributes:
        module: that keeps its rows, in small letters.
        arguments: as they are written, without the blanks around them.
    """

    name: str
    module: str
    arguments: tuple[str, ...]

    def argument(self, name: str) -> str | None:
        """The value of an argument such as `content='notes'`, without its quotes; None where it is not given."""
        for each in self.arguments:
            called, is_one, value = each.partition("=")
            if is_one and folded(called.strip()) == name:
                return unquoted(value.strip())
        return None


def virtual_tables(connection: sqlite3.Connection) -> Iterator[VirtualTable]:
    """The virtual tables of a file, by name; those too whose module is missing here."""
    statement = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND rootpage = 0 ORDER BY name"
    for name, sql in connection.execute(statement).fetchall():
        tokens = tokens_of(sql)
        words = [token for token in tokens if token != " "]
        using = [folded(word) for word in words].index("using")
        arguments, _ = in_parentheses(tokens)
        yield VirtualTable(name, folded(unquoted(words[using + 1])), tuple("".join(each).strip() for each in arguments))
