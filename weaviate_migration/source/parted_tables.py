"""Tables that become several collections, or a part of one: which of their rows are in none of them, or in several."""

import sqlite3
from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from weaviate_migration.base.errors import SourceError
from weaviate_migration.base.texts import counted
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.source.connect import end_if_interrupted
from weaviate_migration.source.inspect import OWN_PREFIX, Database, Table, quoted
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, plans_of_table
from weaviate_migration.source.rows import decoded_text

_EXAMPLES = 3


class Rows(BaseModel):
    """How many rows, and the keys of the first of them."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    examples: tuple[str, ...] = ()

    def told(self, where: str) -> str:
        """`3 rows are in none, such as 4, 7, 9`; nothing for no rows."""
        are = "is" if self.count == 1 else "are"
        return f"{counted(self.count, 'row')} {are} {where}, such as {', '.join(self.examples)}" if self.count else ""


class PartedTable(BaseModel):
    """A table whose collections do not simply have each row of it once.

    Attributes:
        rows: of the table.
        in_none: those that no collection takes.
        in_several: those that more than one takes.
        of_one_tenant: whether the rows of one tenant alone are wanted, so that those of others are in none.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    in_none: Rows = Rows()
    in_several: Rows = Rows()
    of_one_tenant: bool = False

    @property
    def told(self) -> str:
        """Which of its rows are in no collection though all were meant, or in several; '' where each is in one."""
        in_none = "" if self.of_one_tenant else self.in_none.told("in no collection")
        return "; ".join(filter(None, (in_none, self.in_several.told("in several"))))


def parted_tables(connection: sqlite3.Connection, database: Database, plan: MigrationPlan) -> dict[str, PartedTable]:
    """Looks at each row of the tables whose collections have conditions or statements, in one scan for each table.

    Args:
        connection: reads the file; text that is not UTF-8 comes with its bytes as surrogate escapes from now on.

    Raises:
        SourceError: a table is damaged.
    """
    connection.text_factory = decoded_text
    return {table.name: _parted(connection, table, parts) for table, parts in _parts_of_tables(database, plan)}


def _parts_of_tables(database: Database, plan: MigrationPlan) -> Iterator[tuple[Table, Sequence[CollectionPlan]]]:
    for table in database.tables:
        parts = plans_of_table(table.name, plan.collections)
        if any(not each.mapping.is_whole_table for each in parts):
            yield table, parts


def _parted(connection: sqlite3.Connection, table: Table, parts: Sequence[CollectionPlan]) -> PartedTable:
    taken, joins = zip(*(_taken_sql(table, each, number) for number, each in enumerate(parts)), strict=True)
    key = ", ".join(f"{quoted(table.name)}.{quoted(column)}" for column in parts[0].key)
    scan = f"(SELECT {' + '.join(taken)} AS takers, {key} FROM {quoted(table.name)} {' '.join(joins)})"
    counts = f"SELECT count(*), coalesce(sum(takers = 0), 0), coalesce(sum(takers > 1), 0) FROM {scan}"
    try:
        rows, none, several = connection.execute(counts).fetchone()
        return PartedTable(
            rows=rows,
            in_none=_rows(connection, scan, "takers = 0", none),
            in_several=_rows(connection, scan, "takers > 1", several),
            of_one_tenant=any(each.mapping.tenant and each.mapping.tenant.only is not None for each in parts),
        )
    except sqlite3.Error as error:
        end_if_interrupted(error)
        raise SourceError(f"the rows of {table.name} cannot be counted: {error}") from error


def _taken_sql(table: Table, part: CollectionPlan, number: int) -> tuple[str, str]:
    """An expression that is 1 for a row of the table that the collection takes and 0 for others, and the join it needs.

    A condition is asked of the row itself. What a statement gives is found by its key, which is the table's.
    """
    assert part.table is not None
    if not part.table.select:
        # A comment may end at the line's end only.
        return f"(({part.table.where}\n) IS TRUE)" if part.table.where else "1", ""
    name = f"{OWN_PREFIX}{number}"
    keys = {f"{name}_{at}": quoted(column) for at, column in enumerate(part.key)}
    given = ", ".join(f"{column} AS {alias}" for alias, column in keys.items())
    same = " AND ".join(f"{name}.{alias} IS {quoted(table.name)}.{column}" for alias, column in keys.items())
    distinct = f"(SELECT DISTINCT {given}, 1 AS {name}_taken FROM {part.table.from_sql})"
    return f"({name}_taken IS NOT NULL)", f"LEFT JOIN {distinct} AS {name} ON {same}"


def _rows(connection: sqlite3.Connection, scan: str, condition: str, count: int) -> Rows:
    if not count:
        return Rows()
    first = connection.execute(f"SELECT * FROM {scan} WHERE {condition} LIMIT {_EXAMPLES}")
    return Rows(count=count, examples=tuple(key_text(row[1:]) for row in first))
