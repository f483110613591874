"""Looks up, in a file in use, which rows of a statement are concerned by changes in the tables that it joins."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.collations import column_collations
from weaviate_migration.source.connect import connect_to_read, source_errors
from weaviate_migration.source.inspect import OWN_PREFIX, quoted
from weaviate_migration.source.joins import Equality, Joins, Link
from weaviate_migration.source.plan import MigrationPlan
from weaviate_migration.source.rows import value_sql

# The keys of changed rows of a joined table, while their main rows are looked up.
_CHANGED = f"temp.{OWN_PREFIX}joined"
# An index that SQLite (3.40.1) makes for one statement has a Bloom filter: texts of two lengths are never equal there.
_LOST_BY_INDEX = "rtrim"
# A step of ours in EXPLAIN QUERY PLAN, with what SQLite says of it.
_STEP = re.compile(r"(?P<way>SCAN|SEARCH) (?:TABLE .+ AS )?step_(?P<number>[1-9]\d*)\b(?P<rest>.*)")


def find_concerned(
    connection: sqlite3.Connection, joins: Joins, link: Link, logged: str, bounds: Mapping[str, int], into: str
) -> None:
    """Puts the keys of the main rows that lead to changed rows of a joined table into a table, with a position each.

    Args:
        link: whose changes are meant.
        logged: a statement for its logged keys, with the newest position of each.
        bounds: the parameters of that statement.
        into: the temporary table that gets what is found.
    """
    with _table_of_changed(connection, link):
        connection.execute(f"INSERT INTO {_CHANGED} {logged}", bounds)
        connection.execute(f"INSERT INTO {into} {_concerned_sql(connection, joins, link)}")


def slow_lookups(source: Path, plan: MigrationPlan) -> list[str]:
    """A sentence for each joined table of which a change makes SQLite read another one in whole.

    Args:
        source: what was planned for.

    Raises:
        SourceError: it is locked or damaged.
    """
    followed = [each.joins for each in plan.collections if each.joins is not None and each.joins.links]
    if not followed:
        return []
    with source_errors(source), closing(connect_to_read(source)) as connection:
        found = [text for each in followed for link in each.links for text in _slow_steps(connection, each, link)]
    return list(dict.fromkeys(found))


def _slow_steps(connection: sqlite3.Connection, joins: Joins, link: Link) -> Iterator[str]:
    with _table_of_changed(connection, link):
        steps = connection.execute(f"EXPLAIN QUERY PLAN {_concerned_sql(connection, joins, link)}").fetchall()
    for *_, detail in steps:
        found = _STEP.match(detail)
        # An automatic index is made for the one statement, from all rows.
        if found and (found["way"] == "SCAN" or "AUTOMATIC" in found["rest"]):
            step = link.way[int(found["number"]) - 1]
            columns = ", ".join(each.near for each in step.equal)
            yield (
                f"each change of {link.table.name} has all of {step.table.name} read, which is slow where it has many "
                f"rows: no index serves its column {columns}"
            )


@contextmanager
def _table_of_changed(connection: sqlite3.Connection, link: Link) -> Iterator[None]:
    """An empty table for keys of changed rows: its columns have the affinities that the joined table's have."""
    columns = ", ".join(f"{quoted(column)} AS key_{at}" for at, column in enumerate(link.key))
    table = f"main.{quoted(link.table.name)}"
    connection.execute(f"CREATE TABLE {_CHANGED} AS SELECT {columns}, 0 AS position FROM {table} LIMIT 0")
    try:
        yield
    finally:
        # SQLite has done so already where an error has ended the transaction.
        connection.execute(f"DROP TABLE IF EXISTS {_CHANGED}")


def _concerned_sql(connection: sqlite3.Connection, joins: Joins, link: Link) -> str:
    """A statement for the keys of the main rows that lead to changed rows, with the positions of these."""
    collations = [_collations(connection, table.name) for table in (link.table, *(step.table for step in link.way))]

    def changed(each: Equality) -> str:
        key = f"step_0.key_{link.key.index(each.far)}"
        collation = collations[0].get(folded(each.far))
        return f"{key} COLLATE {quoted(collation)}" if each.far_first and collation else key

    joined = [f"{_CHANGED} AS step_0"]
    for number, step in enumerate(link.way, start=1):
        conditions = []
        for each in step.equal:
            near = f"step_{number}.{quoted(each.near)}"
            far = changed(each) if number == 1 else f"step_{number - 1}.{quoted(each.far)}"
            conditions.append(f"{far} = {near}" if each.far_first else f"{near} = {far}")
        left = (
            (collations[number - 1], each.far) if each.far_first else (collations[number], each.near)
            for each in step.equal
        )
        is_lost = any(folded(of_table.get(folded(column), "")) == _LOST_BY_INDEX for of_table, column in left)
        scanned = " NOT INDEXED" if is_lost else ""
        joined.append(f"main.{quoted(step.table.name)} AS step_{number}{scanned} ON {' AND '.join(conditions)}")
    main = f"step_{len(link.way)}"
    key = [value_sql(link.way[-1].table, column, f"{main}.{quoted(column)}") for column in joins.key]
    # CROSS: SQLite keeps to this order, and looks rows up by those that have changed.
    return f"SELECT {', '.join(key)}, step_0.position FROM {' CROSS JOIN '.join(joined)}"


def _collations(connection: sqlite3.Connection, table: str) -> Mapping[str, str]:
    """The collations that a table declares, by the columns' names, folded."""
    statement = "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?"
    (sql,) = connection.execute(statement, (table,)).fetchone()
    return column_collations(sql)
