"""Rows of one table of the snapshot, in the order of their objects' addresses, from one scan.

An address is the object's UUID or, where the collection has tenants, the tenant's name and the UUID, see `object_ids`.

SQLite itself sorts: in bounded memory, merging on disk what does not fit, and keeping every value as it is.
"""

import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from weaviate_migration.base.errors import SourceError
from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.source.connect import closed_after_error, connect_to_read, end_if_interrupted, source_errors
from weaviate_migration.source.inspect import OWN_PREFIX, Table, quoted
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.snapshot import open_snapshot
from weaviate_migration.source.wide_select import WideSelect, is_wide, order_of_rows

SqlValue = int | float | str | bytes | None
ObjectUuid = Callable[[str, tuple[SqlValue, ...]], str | None]
# Address of the row's object (None where a part of the key is NULL), the row's key, the values of the plan's columns.
KeyedRow = tuple[str | None, tuple[SqlValue, ...], tuple[SqlValue, ...]]


# A sample comes from so many places of a table, and has about so much text and blob at most of each.
_SAMPLE_PIECES = 10
_PIECE_LENGTH = 2 * 1024 * 1024
# From this size on rows are not sorted themselves, but their addresses: SQLite's sorter would write each of them once
# more, and hold up to 16 in memory while it merges.
_LARGE_ROW_BYTES = 16 * 1024
_SMALL_FILE_BYTES = 16 * 1024 * 1024
# Names that no view means by a text in double quotes: where it is asked for each child, it would take them for columns.
_NAMED, _CHILDREN = f"{OWN_PREFIX}value", f"{OWN_PREFIX}children"
# A canonical lower-case UUID.
_UUID_GLOB = "-".join("[0-9a-f]" * digits for digits in (8, 4, 4, 4, 12))


def prepare_for_rows(connection: sqlite3.Connection, object_uuid: ObjectUuid, scratch: Path) -> None:
    """Lets a connection give rows: every text as it is, addresses in statements, what needs a disk in `scratch`.

    Args:
        object_uuid: gives the UUID of a table's row from its key; statements call it as `address_sql` says.
    """
    (encoding,) = connection.execute("PRAGMA encoding").fetchone()

    def values_of(arguments: Sequence[SqlValue]) -> tuple[SqlValue, ...]:
        return tuple(
            decoded_text(_as_utf8(value, encoding)) if storage_class == "text" and isinstance(value, bytes) else value
            for storage_class, value in zip(arguments[::2], arguments[1::2], strict=True)
        )

    def uuid_of_sql_arguments(table: str, *arguments: SqlValue) -> str | None:
        return object_uuid(table, values_of(arguments))

    def tenant_of_sql_arguments(of_null: str | None, *arguments: SqlValue) -> str:
        (value,) = values_of(arguments)
        return tenant_name(value, of_null)

    connection.text_factory = decoded_text
    connection.create_function("object_uuid", -1, uuid_of_sql_arguments, deterministic=True)
    connection.create_function("tenant_name", -1, tenant_of_sql_arguments, deterministic=True)
    # Deprecated, but SQLite reads TMPDIR only once in a process, and /tmp is often too small for a sort.
    connection.execute(f"PRAGMA temp_store_directory = '{str(scratch).replace(chr(39), chr(39) * 2)}'")


def address_sql(plan: CollectionPlan, tenant: str, key: Sequence[str]) -> str:
    """An expression for the address of the object of a plan's row.

    Args:
        tenant: the expression of the tenant's name, as `tenant_sql` gives it; '' where there are no tenants.
        key: the expressions of the key's columns.
    """
    assert plan.table is not None, "planned without a table: it has no rows"
    uuid = _uuid_sql(plan.table.name, key)
    return f"{tenant} || ' ' || {uuid}" if tenant else uuid


def tenant_sql(plan: CollectionPlan, read: Callable[[str], str] = quoted) -> str:
    """An expression for the name of the tenant of a plan's row; '' where the collection has no tenants.

    Args:
        read: gives the expression of a column.
    """
    return _tenant_name_sql(plan.mapping.tenant, read) if plan.mapping.tenant is not None else ""


def _tenant_name_sql(tenant: TenantMapping, read: Callable[[str], str] = quoted) -> str:
    given = "NULL" if tenant.of_null is None else text_literal(tenant.of_null)
    return f"tenant_name({given}, {_exact(read(tenant.column))})"


def rows_by_tenant(connection: sqlite3.Connection, table: Table, tenant: TenantMapping) -> Counter[str]:
    """How many rows of a table each tenant has; rows that have none under ''.

    Args:
        connection: prepared by `prepare_for_rows`.

    Raises:
        SourceError: the table cannot be read.
    """
    try:
        found = connection.execute(f"SELECT {_tenant_name_sql(tenant)}, count(*) FROM {table.from_sql} GROUP BY 1")
        return Counter(dict(found))
    except sqlite3.Error as error:
        end_if_interrupted(error)
        raise SourceError(f"the rows of {table.name} cannot be counted: {error}") from error


def _uuid_sql(table: str, key: Sequence[str]) -> str:
    """An expression for the UUID of the object of a table's row.

    A key that is a UUID already is the object's UUID: SQLite sees that itself, which saves most of the time.
    """
    computed = f"object_uuid({', '.join([text_literal(table), *map(_exact, key)])})"
    if len(key) > 1:
        return computed
    return f"(CASE WHEN {_is_uuid(key[0])} THEN {key[0]} ELSE {computed} END)"


def _exact(column: str) -> str:
    """A value as two arguments of a function: its storage class, and itself, text as bytes.

    sqlite3 would refuse text that is not UTF-8.
    """
    return f"typeof({column}), CASE typeof({column}) WHEN 'text' THEN CAST({column} AS BLOB) ELSE {column} END"


def _is_uuid(key: str) -> str:
    """A condition that a key fulfils only where it is a canonical UUID, that of its object.

    GLOB ends at a NUL, so the length is asked for too; in UTF-16 it is another, and `object_uuid` has to decide.
    """
    return f"typeof({key}) = 'text' AND {key} GLOB '{_UUID_GLOB}' AND length(CAST({key} AS BLOB)) = 36"


def value_sql(table: Table, column: str, expression: str) -> str:
    """An expression for a column's value so that its storage class survives sorting.

    SQLite's sorter turns whole reals of virtual generated columns into integers (3.40.1), unless they come from a
    calculation. Views may read such columns.

    Args:
        expression: that reads the column.
    """
    found = table.column(column)
    if table.is_view or (found is not None and found.generated):
        return f"CASE typeof({expression}) WHEN 'real' THEN {expression} * 1.0 ELSE {expression} END"
    return expression


def compared_sql(table: Table, column: str, expression: str) -> str:
    """An expression for a column in a comparison: by the column's collation, or by bytes where that is missing here.

    Of a view SQLite does not tell which column has it: all compare by bytes then.

    Args:
        expression: that reads the column.
    """
    found = table.column(column)
    is_missing = bool(table.computed_by) or (found is not None and bool(found.missing_collation))
    return f"{expression} COLLATE BINARY" if is_missing else expression


def sample_rows(
    source: Path, plan: CollectionPlan, object_uuid: ObjectUuid, scratch: Path, rows: int
) -> list[KeyedRow]:
    """What `sample_stretches` gives, all of it ascending by address."""
    found: list[KeyedRow] = []
    length = 0
    for stretch in sample_stretches(source, plan, object_uuid, scratch, rows):
        found += stretch
        length += sum(text_length(values) for _, _, values in stretch)
        if length > _SAMPLE_PIECES * _PIECE_LENGTH:  # A single row may be larger than a stretch is to be.
            break
    return sorted(found, key=lambda row: row[0] or "")


def sample_stretches(
    source: Path, plan: CollectionPlan, object_uuid: ObjectUuid, scratch: Path, rows: int
) -> Iterator[list[KeyedRow]]:
    """Some rows of a table in use, from stretches all over it where it has rowids; one stretch in memory.

    Args:
        source: what `readable_source` gave.
        rows: how many at most; fewer where they are large, or the rowids have gaps.

    Raises:
        SourceError: the file is locked or damaged.
    """
    table = plan.table
    assert table is not None, "planned without a table: there is nothing to read"
    read = [value_sql(table, column, quoted(column)) for column in (*plan.key, *plan.columns)]
    address = address_sql(plan, tenant_sql(plan), [quoted(column) for column in plan.key])
    split = 1 + len(plan.key)
    with source_errors(source), closing(connect_to_read(source)) as connection:
        prepare_for_rows(connection, object_uuid, scratch)
        order = order_of_rows(table) if is_wide(connection, len(read)) and table.rowid is None else []
        in_order = f"ORDER BY {', '.join(order)}" if order else ""
        for where, limit in _pieces(connection, table, rows):
            rest = f"FROM {table.from_sql} {where} {in_order} LIMIT {limit}"
            with WideSelect(connection, address, read, rest) as selected:
                stretch = _fetched(selected)
                yield [(None if row[0] is None else str(row[0]), row[1:split], row[split:]) for row in stretch]


def _pieces(connection: sqlite3.Connection, table: Table, rows: int) -> Iterator[tuple[str, int]]:
    """Conditions for stretches of rowids that are equally far from each other, and how many rows to take of each."""
    if table.rowid is None:
        yield "", rows
        return
    rowid = quoted(table.rowid)
    first, last = connection.execute(f"SELECT min({rowid}), max({rowid}) FROM {table.from_sql}").fetchone()
    if first is None:
        return
    cuts = [first + (last + 1 - first) * piece // _SAMPLE_PIECES for piece in range(_SAMPLE_PIECES + 1)]
    for low, high in itertools.pairwise(cuts):
        yield f"WHERE {rowid} >= {low} AND {rowid} < {high} ORDER BY {rowid}", rows // _SAMPLE_PIECES


def _fetched(selected: WideSelect) -> Iterator[tuple[SqlValue, ...]]:
    """The rows of a stretch, until they are too large together."""
    length = 0
    for row in selected:
        yield row
        length += text_length(row)
        if length > _PIECE_LENGTH:
            return


def has_large_rows(table: Table, count_rows: Callable[[], int], file_bytes: int) -> bool:
    """Whether the rows of a table are so large, as a mean of the whole file, that their addresses alone are sorted.

    Args:
        count_rows: counts them; it is not asked about a small file.
    """
    return table.rowid is not None and file_bytes > _SMALL_FILE_BYTES and file_bytes > count_rows() * _LARGE_ROW_BYTES


def text_length(values: Sequence[SqlValue]) -> int:
    """The characters of the texts among the values, and the bytes of the blobs."""
    classes = set(map(type, values))
    if classes <= {str, bytes}:
        return sum(map(len, values))  # type: ignore[arg-type]  # as a rule a column has one storage class
    if classes.isdisjoint({str, bytes}):
        return 0
    return sum([len(value) for value in values if isinstance(value, (str, bytes))])


def text_literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _as_utf8(text: bytes, encoding: str) -> bytes:
    """Text that was cast to a blob: then SQLite gives the database's own encoding, otherwise always UTF-8."""
    if encoding == "UTF-8":
        return text
    return text.decode(encoding, "surrogatepass").encode(errors="surrogatepass")


def decoded_text(text: bytes) -> str:
    """Text as str; bytes that are no UTF-8 become surrogate escapes, so that nothing is lost and nothing raises."""
    return text.decode("utf-8", "surrogateescape")


class NamedParent(NamedTuple):
    """A value in a column that names a parent, how many rows have it, and the parent's key as the parent spells it.

    `key` is None where there is no such parent: the children are orphans. `tenant` is the name of the parent's: ''
    where there is none, None where its collection has no tenants.
    """

    value: SqlValue
    children: int
    key: SqlValue
    tenant: str | None = None


def _parent_key_sql(parent: CollectionPlan) -> str:
    """An expression for the key of the parent that `child` names; NULL where there is none."""
    return "NULL" if parent.table is None else _of_parent_sql(parent, f"parent.{quoted(parent.key[0])}")


def _parent_tenant_sql(parent: CollectionPlan) -> str:
    """An expression for the tenant of that parent: '' where there is none, NULL where its collection has no tenants."""
    if parent.tenant is None:
        return "NULL"
    if parent.table is None:
        return "''"
    tenant = tenant_sql(parent, lambda column: f"parent.{quoted(column)}")
    return f"coalesce({_of_parent_sql(parent, tenant)}, '')"


def _of_parent_sql(parent: CollectionPlan, wanted: str) -> str:
    assert parent.table is not None, "planned without a table: it has no rows"
    key = compared_sql(parent.table, parent.key[0], f"parent.{quoted(parent.key[0])}")
    return f"(SELECT {wanted} FROM {parent.table.from_sql} AS parent WHERE {key} = +child.{_NAMED} LIMIT 1)"


class TableReader:
    """Reads one mapped table of a snapshot.

    Args:
        snapshot: the snapshot's path.
        plan: the table, its key, and the columns to read.
        object_uuid: gives the UUID of a table's row from its key.
        sort_memory_mb: how much SQLite's sorter may hold before it goes to disk.
        scratch: the folder for what the sorter puts on disk.
    """

    def __init__(
        self, snapshot: Path, plan: CollectionPlan, object_uuid: ObjectUuid, sort_memory_mb: int, scratch: Path
    ) -> None:
        self._snapshot = snapshot
        self._plan = plan
        self._scratch = scratch
        self._connection = open_snapshot(snapshot)
        with source_errors(snapshot, scratch=scratch), closed_after_error(self._connection):
            prepare_for_rows(self._connection, object_uuid, scratch)
            self._connection.execute(f"PRAGMA cache_size = -{sort_memory_mb * 1024}")

    def close(self) -> None:
        """Closes the connection; an unfinished scan ends."""
        self._connection.close()

    def __enter__(self) -> "TableReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address_quantiles(self, parts: int) -> list[str]:
        """The `parts - 1` addresses that cut the table into equal parts; none if it has fewer rows than parts.

        Reads the key only: an index serves, where there is one. Rows whose key has a NULL are not counted.
        """
        total = self.row_count() - self.rows_without_key()
        if total < parts:
            return []
        cuts = {part * total // parts for part in range(1, parts)}
        if self._keys_are_addresses():
            return self._keys_at(sorted(cuts))
        name = self._address_name
        statement = f"SELECT {self._address_sql} AS {name} FROM {self._table} WHERE {name} IS NOT NULL ORDER BY {name}"
        with source_errors(self._snapshot, scratch=self._scratch):
            rows = self._connection.execute(statement)
            return [address for position, (address,) in enumerate(rows) if position in cuts]

    def _keys_are_addresses(self) -> bool:
        """Whether each key that is not NULL is its object's address already; the first other one ends the search."""
        key = quoted(self._plan.key[0])
        if len(self._plan.key) > 1 or self._plan.tenant is not None:
            return False
        statement = f"SELECT EXISTS (SELECT 1 FROM {self._table} WHERE {key} IS NOT NULL AND NOT ({_is_uuid(key)}))"
        with source_errors(self._snapshot, scratch=self._scratch):
            (others,) = self._connection.execute(statement).fetchone()
        return not others

    def _keys_at(self, positions: Sequence[int]) -> list[str]:
        """The keys at these places of their order, from 0: where they have an index, nothing is sorted."""
        key = quoted(self._plan.key[0])
        statement = f"SELECT {key} FROM {self._table} WHERE {key} IS NOT NULL ORDER BY {key} COLLATE BINARY"
        with source_errors(self._snapshot, scratch=self._scratch):
            rows = self._connection.execute(statement)
            steps = (after - before - 1 for before, after in itertools.pairwise([-1, *positions]))
            return [next(itertools.islice(rows, step, None))[0] for step in steps]

    def row_count(self) -> int:
        """Rows in the table."""
        return self._count("1")

    def rows_without_key(self) -> int:
        """Rows whose key has a NULL: they have no UUID."""
        return self._count(" OR ".join(f"{quoted(column)} IS NULL" for column in self._plan.key))

    def rows(self, low: str | None = None, high: str | None = None) -> Iterator[KeyedRow]:
        """Rows in the order of their addresses, first those without one.

        Args:
            low: leave out the rows before this address, and those without one.
            high: leave out this address and those after it.

        Raises:
            SourceError: the snapshot is damaged.
            StorageError: there is no space to sort it.
        """
        address = self._address_name
        where = {
            (False, False): "",
            (True, False): f"WHERE {address} >= :low",
            (False, True): f"WHERE {address} < :high OR {address} IS NULL",
            (True, True): f"WHERE {address} >= :low AND {address} < :high",
        }[low is not None, high is not None]
        read = list(map(self._value_sql, [*self._plan.key, *self._plan.columns]))
        order = [address, *(order_of_rows(self._read_table) if is_wide(self._connection, len(read)) else [])]
        rest = f"FROM {self._table} {where} ORDER BY {', '.join(order)}"
        limits = {"low": low, "high": high}
        split = 1 + len(self._plan.key)
        if has_large_rows(self._read_table, self.row_count, self._snapshot.stat().st_size):
            yield from self._large_rows(read, where, limits)
            return
        with (
            source_errors(self._snapshot, scratch=self._scratch),
            WideSelect(self._connection, f"{self._address_sql} AS {address}", read, rest, limits) as rows,
        ):
            for row in rows:
                yield row[0], row[1:split], row[split:]

    def _large_rows(self, read: Sequence[str], where: str, limits: Mapping[str, str | None]) -> Iterator[KeyedRow]:
        """What `rows` gives, one row in memory: sorted are the addresses, with the rowids of their rows."""
        rowid, split = quoted(self._read_table.rowid or ""), len(self._plan.key)
        address = self._address_name
        order = f"SELECT {self._address_sql} AS {address}, {rowid} FROM {self._table} {where} ORDER BY {address}"
        with source_errors(self._snapshot):
            for of_object, place in self._connection.execute(order, limits):
                of_place = f"FROM {self._table} WHERE {rowid} = ?"
                with WideSelect(self._connection, "NULL", read, of_place, (place,)) as rows:
                    for row in rows:
                        yield of_object, row[1 : split + 1], row[split + 1 :]

    def named_parents(
        self, column: str, parent: CollectionPlan, others: Sequence[CollectionPlan] = ()
    ) -> Iterator[NamedParent]:
        """Every value but NULL that the table's rows have in a column, once, with the row of the parent it names.

        Compared as SQLite's own foreign keys are: by the parent's affinity and collation
        (https://www.sqlite.org/foreignkeys.html#fk_indexes). A parent is looked for once for each value.

        Args:
            parent: a plan with a key of one column, or without a table: then there is no parent at all.
            others: where the other rows of the parent's table are; a value that names one of these is left out, unless
                it names one of the parent's too.

        Raises:
            SourceError: the snapshot is damaged.
        """
        key = _parent_key_sql(parent)
        elsewhere = "".join(f" AND {_parent_key_sql(other)} IS NULL" for other in others)
        where = f" WHERE {key} IS NOT NULL OR (true{elsewhere})" if others else ""
        statement = (
            f"SELECT child.{_NAMED}, child.{_CHILDREN}, {key}, {_parent_tenant_sql(parent)} "
            f"FROM (SELECT {self._value_sql(column)} AS {_NAMED}, count(*) AS {_CHILDREN} "
            f"FROM {self._table} WHERE {quoted(column)} IS NOT NULL GROUP BY {self._told_apart_sql(column)}) AS child"
            f"{where}"
        )
        with source_errors(self._snapshot, scratch=self._scratch):
            yield from itertools.starmap(NamedParent, self._connection.execute(statement))

    def _told_apart_sql(self, column: str) -> str:
        """What GROUP BY needs so that no two values are one: where a column has no type, 1 and 1.0 are equal."""
        found = self._read_table.column(column)
        is_typed = found is not None and found.affinity != "BLOB" and not self._read_table.is_view
        by_bytes = f"{quoted(column)} COLLATE BINARY"
        return by_bytes if is_typed else f"{by_bytes}, typeof({quoted(column)})"

    @property
    def _table(self) -> str:
        return self._read_table.from_sql

    @property
    def _read_table(self) -> Table:
        assert self._plan.table is not None, "planned without a table: there is nothing to read"
        return self._plan.table

    @property
    def _address_name(self) -> str:
        """A name for the address in a statement that no column of the table has: SQLite would take that for it."""
        name = f"{OWN_PREFIX}uuid"
        while self._read_table.column(name) is not None:
            name += "_"
        return quoted(name)

    @property
    def _address_sql(self) -> str:
        return address_sql(self._plan, tenant_sql(self._plan), [quoted(column) for column in self._plan.key])

    def _value_sql(self, column: str) -> str:
        return value_sql(self._read_table, column, quoted(column))

    def _count(self, condition: str) -> int:
        with source_errors(self._snapshot, scratch=self._scratch):
            found = self._connection.execute(f"SELECT count(*) FROM {self._table} WHERE {condition}").fetchone()
        return int(found[0])
