"""Changed rows of one table, as they are now: the statement that finds them, and the copy that is read in peace."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from weakref import WeakSet

from weaviate_migration.source.inspect import OWN_PREFIX, Table, quoted
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.rows import SqlValue, address_sql, compared_sql, tenant_sql, text_literal, value_sql

# Rows between two addresses; the parameters are those of `ChangeLog.changed_rows`.
_WITHIN = "(:low IS NULL OR log.uuid >= :low) AND (:high IS NULL OR log.uuid < :high OR log.uuid IS NULL)"
# Names that no table of the application's has: statements of the mapping stand beside them.
_FOLDED, _LOG = f"{OWN_PREFIX}folded", f"{OWN_PREFIX}log"


class ChangedRow(NamedTuple):
    """A key that was logged, and its row as it is now.

    Attributes:
        uuid: the address of the row's object; None where a part of the key is NULL.
        values: of the plan's columns; None where no row has the key now, or the one that does is another tenant's.
        position: of the newest entry about it.
    """

    uuid: str | None
    key: tuple[SqlValue, ...]
    values: tuple[SqlValue, ...] | None
    position: int


class ChangedRows:
    """Changed rows of one table, copied: the file goes on changing, these do not.

    Args:
        connection: that has the copy, as a temporary table.
        plan: what the rows are.

    Attributes:
        bytes: that the copy takes on disk.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, plan: CollectionPlan, bytes: int) -> None:
        self._connection = connection
        self._name = name
        self._plan = plan
        self.bytes = bytes
        self._under_way = WeakSet[sqlite3.Cursor]()

    def rows(self, low: str | None = None, high: str | None = None) -> Iterator[ChangedRow]:
        """Rows ascending by address, those without one first; keys that several rows have stand side by side.

        Args:
            low: leave out the addresses before this one, and rows without one.
            high: leave out this address and those after it.
        """
        split = 3 + len(self._plan.key)
        for row in self._read("*", low, high):
            yield ChangedRow(row[0], row[3:split], row[split:] if row[1] else None, row[2])

    def uuids(self, low: str | None = None, high: str | None = None) -> Iterator[str]:
        """Their addresses, ascending, each once; limits as of `rows`."""
        return (uuid for (uuid,) in self._read("DISTINCT uuid", low, high) if uuid is not None)

    def has(self, uuid: str | None, after: int = 0) -> bool:
        """Whether the row of this address was logged after a position."""
        statement = f"SELECT EXISTS (SELECT 1 FROM temp.{self._name} WHERE uuid = ? AND position > ?)"
        return bool(self._connection.execute(statement, (uuid, after)).fetchone()[0])

    def __len__(self) -> int:
        (found,) = self._connection.execute(f"SELECT count(*) FROM temp.{self._name}").fetchone()
        return int(found)

    def _read(self, what: str, low: str | None, high: str | None) -> sqlite3.Cursor:
        # Nobody waits while a copy is read: SQLite locks only what a statement uses.
        where = {
            (False, False): "",
            (True, False): "WHERE uuid >= :low",
            (False, True): "WHERE uuid < :high OR uuid IS NULL",
            (True, True): "WHERE uuid >= :low AND uuid < :high",
        }[low is not None, high is not None]
        statement = f"SELECT {what} FROM temp.{self._name} {where} ORDER BY uuid"
        reading = self._connection.execute(statement, {"low": low, "high": high})
        self._under_way.add(reading)
        return reading

    def close(self) -> None:
        """Gives the copy up, also where an error has left somebody in the middle of it: SQLite would call it locked."""
        for reading in self._under_way:
            reading.close()
        self._connection.execute(f"DROP TABLE temp.{self._name}")


def changed_rows_sql(plan: CollectionPlan, entries: str) -> str:
    """Each key among entries of the log, once, with its row, its address and its newest position.

    Of a collection with tenants, each key once in each tenant that it had: the row, as it is now, is in one of them.
    Where the rows of one tenant alone are meant, what was logged of others is nobody's.

    Args:
        entries: what stands in FROM, to read them.
    """
    assert plan.table is not None, "planned without a table: it has no changes"
    logged_as = {column: f"key_{number}" for number, column in enumerate(plan.logged_key)}
    keys = [logged_as[column] for column in plan.key]
    tenant = tenant_sql(plan, logged_as.__getitem__)
    tenants = [f"{tenant} AS tenant"] if tenant else []
    told_apart = [*keys, *(f"typeof({key})" for key in keys), *([tenant] if tenant else [])]  # 1 and 1.0 are two keys.
    folded = (
        f"SELECT {', '.join([*keys, *tenants])}, max(position) AS position FROM {entries} "
        f"GROUP BY {', '.join(told_apart)}"
    )
    own = [compared_sql(plan.table, column, f"own.{quoted(column)}") for column in plan.key]
    same = " AND ".join(_same_key(column, f"log.{key}") for column, key in zip(own, keys, strict=True))
    if tenant:
        same += f" AND {tenant_sql(plan, lambda column: f'own.{quoted(column)}')} = log.tenant"
    values = [value_sql(plan.table, column, f"own.{quoted(column)}") for column in plan.columns]
    uuid = address_sql(plan, "tenant" if tenant else "", keys)
    only = plan.mapping.tenant.only_name if plan.mapping.tenant is not None else None
    meant = f" WHERE tenant = {text_literal(only)}" if only is not None else ""
    logged = ["log.uuid", f"{own[0]} IS NOT NULL", "log.position", *(f"log.{key}" for key in keys)]
    # Materialized: SQLite would else ask for the UUID of each entry, not of each key, and again for each condition.
    return (
        f"WITH {_FOLDED} AS MATERIALIZED ({folded}), "
        f"{_LOG} AS MATERIALIZED (SELECT *, {uuid} AS uuid FROM {_FOLDED}{meant}) "
        + (_joined_rows_sql if plan.table.select else _rows_sql)(plan.table, logged, values, same)
    )


def all_rows_sql(plan: CollectionPlan) -> str:
    """All rows as they are now, in the same columns; the parameter is the position that each has."""
    assert plan.table is not None, "planned without a table: there is nothing to read"
    keys = [f"own.{quoted(column)}" for column in plan.key]
    uuid = address_sql(plan, tenant_sql(plan, lambda column: f"own.{quoted(column)}"), keys)
    read = [value_sql(plan.table, column, f"own.{quoted(column)}") for column in (*plan.key, *plan.columns)]
    return f"SELECT {', '.join([uuid, '1', ':position', *read])} FROM {_from_sql(plan.table)} AS own"


def _rows_sql(table: Table, logged: Sequence[str], values: Sequence[str], same: str) -> str:
    """Each logged key with its row, if there is one."""
    return (
        f"SELECT {', '.join([*logged, *values])} FROM {_LOG} AS log LEFT JOIN {_from_sql(table)} AS own ON {same} "
        f"WHERE {_WITHIN}"
    )


def _joined_rows_sql(table: Table, logged: Sequence[str], values: Sequence[str], same: str) -> str:
    """The same of a statement that joins: SQLite flattens no join into the right side of a LEFT JOIN (3.40).

    It would compute all rows of the statement. CROSS JOIN keeps it from beginning with the statement's tables.
    """
    uuid, _, *rest = logged
    none = ["NULL"] * len(values)
    return (
        f"SELECT {', '.join([uuid, '1', *rest, *values])} FROM {_LOG} AS log CROSS JOIN {table.from_sql} AS own "
        f"ON {same} WHERE {_WITHIN} UNION ALL SELECT {', '.join([uuid, '0', *rest, *none])} FROM {_LOG} AS log "
        f"WHERE {_WITHIN} AND NOT EXISTS (SELECT 1 FROM {table.from_sql} AS own WHERE {same})"
    )


def _from_sql(table: Table) -> str:
    """What stands in FROM: a table of the file's, whatever temporary ones there are."""
    return table.from_sql if table.select or table.where else f"main.{table.from_sql}"


def _same_key(column: str, key: str) -> str:
    """Whether a column holds just this key. The column's index serves; its collation may call other values equal."""
    return (
        f"{column} = {key} AND typeof({column}) = typeof({key}) "
        f"AND (typeof({key}) <> 'text' OR CAST({column} AS BLOB) = CAST({key} AS BLOB))"
    )
