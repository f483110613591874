"""SQL in a mapping, as SQLite parses it: without a file, so neither tables nor columns are looked up yet."""

import sqlite3
from contextlib import closing
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _without_end(statement: str) -> str:
    """The statement as it can stand within another one: without the semicolon at its end."""
    return statement.strip().removesuffix(";").rstrip()


Statement = Annotated[str, StringConstraints(min_length=1), AfterValidator(_without_end)]


def statement_mistake(statement: str) -> str:
    """Why SQLite does not take it as one SELECT, in its words; '' if it does."""
    return _refused(_without_end(statement))


def condition_mistake(condition: str) -> str:
    """Why SQLite does not take it as the condition of a WHERE, in its words; '' if it does."""
    given = _without_end(condition)
    # By itself, too: `a) OR (b` is a condition in parentheses alone, and another one beside a second condition.
    return _refused(f"SELECT 1 FROM t WHERE ({given}\n)") or _refused(f"SELECT 1 FROM t WHERE {given}")


def _refused(statement: str) -> str:
    # A view takes one SELECT and nothing else, without parameters. It is parsed only: it may name any table.
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(f"CREATE TEMP VIEW v AS {statement}")
        except (sqlite3.Error, sqlite3.Warning) as error:
            return str(error).rstrip(".")
    return ""
