"""Rows of SQLite as Arrow record batches and back, every value exactly, storage classes kept apart.

A SQLite column may hold any of five storage classes in each row, an Arrow column has one type. So each column gets the
type of the storage class that it holds most, and a value of another class stands in `OTHER_CLASSES`, beside the
column's name. What is null in both is NULL. Files stay plain for other readers: `pandas.read_parquet` shows the columns
as one expects them.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import starmap
from typing import Any, NamedTuple

import pyarrow as pa

from weaviate_migration.mapping.parents import ParentKey
from weaviate_migration.mapping.values import SqlValue, is_utf8
from weaviate_migration.source.rows import KeyedRow

# Columns of ours carry this prefix, as everything that the project makes beside an application's own names.
UUID_COLUMN = "_weaviate_migration_uuid"
ROWID_COLUMN = "_weaviate_migration_rowid"
OTHER_CLASSES = "_weaviate_migration_other_classes"

ARROW_TYPES: dict[type, pa.DataType] = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary()}
# A record batch holds at most so many rows, and at most so much text and blob: memory stays bounded for any row size.
BATCH_ROWS = 5_000
BATCH_SIZE = 4 * 1024 * 1024

_OTHER_VALUE = pa.struct(
    [("integer", pa.int64()), ("real", pa.float64()), ("text", pa.binary()), ("blob", pa.binary())]
)
_OTHER_TYPE = pa.map_(pa.string(), _OTHER_VALUE)
_Others = list[list[tuple[str, dict[str, Any]]] | None]
_LAYOUT_KEY = b"weaviate_migration"


@dataclass(frozen=True)
class RowLayout:
    """What the columns of an extract are: the table, its columns in order, the key's columns (none: the rowid).

    Attributes:
        parents: what the columns name that objects tell parents from; extracts of older versions have none.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    parents: tuple[ParentKey, ...] = ()

    @classmethod
    def of_schema(cls, schema: pa.Schema) -> "RowLayout":
        """Reads the layout that `extract_schema` wrote into the schema's metadata."""
        found = json.loads(schema.metadata[_LAYOUT_KEY])
        parents = tuple(ParentKey(**each) for each in found.get("parents", ()))
        return cls(found["table"], tuple(found["columns"]), tuple(found["key"]), parents)

    def to_metadata(self) -> dict[bytes, bytes]:
        """The layout as metadata of an Arrow schema."""
        layout: dict[str, Any] = {"table": self.table, "columns": self.columns, "key": self.key}
        if self.parents:
            layout["parents"] = [each._asdict() for each in self.parents]
        text = json.dumps(layout)
        return {_LAYOUT_KEY: text.encode()}


class ExtractRow(NamedTuple):
    """A row of an extract: its object's address (None where the key has a NULL), its key, its values."""

    uuid: str | None
    key: tuple[SqlValue, ...]
    values: tuple[SqlValue, ...]


def size_of(row: KeyedRow) -> int:
    """About how much memory a row takes: the length of its texts and blobs."""
    return sum([len(value) for value in row[2] if isinstance(value, (str, bytes))])


def extract_schema(layout: RowLayout, sample: Sequence[KeyedRow]) -> pa.Schema:
    """The Arrow schema of a table's extract: each column's type is the class that most rows of the sample hold."""
    fields = [pa.field(UUID_COLUMN, pa.string())]
    if not layout.key:
        fields.append(pa.field(ROWID_COLUMN, pa.int64()))
    for position, name in enumerate(layout.columns):
        fields.append(pa.field(name, ARROW_TYPES[_most_held_class([row[2][position] for row in sample])]))
    fields.append(pa.field(OTHER_CLASSES, _OTHER_TYPE))
    return pa.schema(fields, metadata=layout.to_metadata())


def _most_held_class(values: Sequence[SqlValue]) -> type:
    held = Counter(type(value) for value in values if value is not None)
    return held.most_common(1)[0][0] if held else str


def encode(rows: Sequence[KeyedRow], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one record batch of the schema that `extract_schema` made."""
    layout = RowLayout.of_schema(schema)
    others: _Others = [None] * len(rows)
    arrays = [pa.array([row[0] for row in rows], pa.string())]
    if not layout.key:
        arrays.append(pa.array([row[1][0] for row in rows], pa.int64()))
    columns = zip(*[row[2] for row in rows], strict=True) if rows else [() for _ in layout.columns]
    for name, values in zip(layout.columns, columns, strict=True):
        arrays.append(_encode_column(name, values, schema.field(name).type, others))
    arrays.append(pa.array(others, _OTHER_TYPE))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _encode_column(
    name: str,
    values: Sequence[SqlValue],
    arrow_type: pa.DataType,
    others: _Others,
) -> pa.Array:
    # Asked first for the column as a whole: as a rule all of its values fit, and Arrow sees that soonest.
    if all(ARROW_TYPES[each] == arrow_type for each in set(map(type, values)) - {type(None)}):
        with suppress(UnicodeEncodeError):
            return pa.array(values, arrow_type)
    kept = list(values)
    for row, value in enumerate(values):
        if value is not None and not _fits(value, arrow_type):
            kept[row] = None
            others[row] = [*(others[row] or []), (name, _other_value(value))]
    return pa.array(kept, arrow_type)


def _fits(value: SqlValue, arrow_type: pa.DataType) -> bool:
    """Whether a value is of the column's class; a text must be UTF-8 to be an Arrow string."""
    return bool(ARROW_TYPES[type(value)] == arrow_type) and not (isinstance(value, str) and not is_utf8(value))


def _other_value(value: SqlValue) -> dict[str, Any]:
    if isinstance(value, str):
        return {"text": value.encode(errors="surrogateescape")}
    field = {int: "integer", float: "real", bytes: "blob"}[type(value)]
    return {field: value}


@dataclass(frozen=True, slots=True)
class RowColumns:
    """Rows of an extract, column by column.

    Attributes:
        uuids: the addresses of their objects, ascending; None, where the key has a NULL, comes first.
        keys: the columns of the key; the rowid alone where none is.
        columns: in the layout's order, every value as SQLite held it.
    """

    uuids: list[str | None]
    keys: list[list[SqlValue]]
    columns: list[list[SqlValue]]

    def __len__(self) -> int:
        return len(self.uuids)

    def part(self, start: int, stop: int | None = None) -> "RowColumns":
        """Some of the rows, as a slice."""
        where = slice(start, stop)
        return RowColumns(
            self.uuids[where], [each[where] for each in self.keys], [each[where] for each in self.columns]
        )

    def rows(self) -> Iterator[ExtractRow]:
        """The same rows, one by one."""
        keys, values = zip(*self.keys, strict=True), zip(*self.columns, strict=True)
        return starmap(ExtractRow, zip(self.uuids, keys, values, strict=True))


def decode(batch: pa.RecordBatch) -> Iterator[ExtractRow]:
    """The rows of a record batch that `encode` made, every value as SQLite held it."""
    return decode_columns(batch).rows()


def decode_columns(batch: pa.RecordBatch) -> RowColumns:
    """The columns of a record batch that `encode` made, every value as SQLite held it."""
    layout = RowLayout.of_schema(batch.schema)
    columns = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in layout.columns]
    _restore_other_classes(layout, columns, batch.column(OTHER_CLASSES))
    keys = [columns[layout.columns.index(name)] for name in layout.key]
    keys = keys or [batch.column(ROWID_COLUMN).to_pylist()]
    return RowColumns(batch.column(UUID_COLUMN).to_pylist(), keys, columns)


def _restore_other_classes(layout: RowLayout, columns: list[list[SqlValue]], others: pa.Array) -> None:
    if others.null_count == len(others):
        return
    position_of = {name: position for position, name in enumerate(layout.columns)}
    for row, entries in enumerate(others.to_pylist()):
        for name, value in entries or ():
            columns[position_of[name]][row] = _restored(value)


def _restored(value: dict[str, Any]) -> SqlValue:
    found: SqlValue = next(each for each in value.values() if each is not None)
    return found.decode("utf-8", "surrogateescape") if isinstance(found, bytes) and value["text"] is not None else found
