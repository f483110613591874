"""The application that is migrated under fire: a table for each kind of key, and the mapping of them."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

Value = None | int | float | str | bytes
Row = tuple[Value, ...]
Key = tuple[Value, ...]

TENANT_OF_NULL = "none"
WRITERS = 4
SLOTS = 40
"""So many keys of each table belong to each writer: few, so that they are used again and again."""
# What each table has beside its key; without declared types, so that SQLite stores each value as it is given.
VALUES = ("writer", "label", "body", "amount")


@dataclass(frozen=True)
class Table:
    """A table, and the collection that is made from it.

    Attributes:
        key: the columns of its key, with their types in Weaviate; they come first.
        has_unique_label: two rows cannot have one label; SQLite's REPLACE evicts the one that had it.
        has_tenants: the label names the tenant, so that nearly every change moves the row to another one.
        select: what gives the rows, where they are more than the table's; `joined` are the columns that come last.
    """

    name: str
    collection: str
    key: tuple[tuple[str, str], ...]
    statement: str
    has_unique_label: bool = False
    has_tenants: bool = False
    select: str = ""
    joined: tuple[str, ...] = ()

    @property
    def key_columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.key)

    @property
    def columns(self) -> tuple[str, ...]:
        return *self.key_columns, *VALUES, *self.joined

    @property
    def rows(self) -> str:
        """The statement that gives the rows that become objects."""
        return self.select or f"SELECT * FROM {self.name}"

    def key_of(self, row: Row) -> Key:
        return row[: len(self.key)]

    def value(self, row: Row, column: str) -> Value:
        return row[self.columns.index(column)]

    def key_in_slot(self, writer: int, slot: int) -> Key:
        """One of the keys that belong to a writer."""
        match self.name:
            case "documents":
                return (str(uuid5(NAMESPACE_OID, f"{writer}/{slot}")),)
            case "events":
                return (slot * WRITERS + writer,)
            case "seats":
                return writer, f"seat {slot}"
            case _:
                return (f"wörd {slot} of {writer}",)


TABLES = (
    Table(
        "documents",
        "Document",
        (("id", "text"),),
        "CREATE TABLE documents (id TEXT NOT NULL PRIMARY KEY, writer, label, body, amount)",
    ),
    Table(
        "events",
        "Event",
        (("number", "int"),),
        "CREATE TABLE events (number INTEGER PRIMARY KEY, writer, label, body, amount)",
        has_tenants=True,
    ),
    Table(
        "seats",
        "Seat",
        (("room", "int"), ("place", "text")),
        "CREATE TABLE seats (room, place, writer, label UNIQUE, body, amount, PRIMARY KEY (room, place))",
        has_unique_label=True,
    ),
    Table(
        "words",
        "Word",
        (("word", "text"),),
        "CREATE TABLE words (word TEXT NOT NULL PRIMARY KEY, writer, label, body, amount) WITHOUT ROWID",
        has_tenants=True,
    ),
)
# Events with the seats that have their labels: written to by whoever writes to either table.
SEATED = Table(
    "events",
    "Seated",
    (("number", "int"),),
    "",
    has_tenants=True,
    select="SELECT e.*, s.place, s.body AS seat_body FROM events e LEFT JOIN seats s ON s.label = e.label",
    joined=("place", "seat_body"),
)
MAPPED = (*TABLES, SEATED)
EMBEDDED, VECTOR = "documents", "content"
"""The table whose bodies a model makes vectors of, and their name."""


def make_file(path: Path) -> Path:
    """The application's file, without rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(open_file(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        for table in TABLES:
            connection.execute(table.statement)
    return path


def schema_of(path: Path) -> list[tuple[str, ...]]:
    """What SQLite itself says of the file's tables, indexes and triggers, byte for byte."""
    with closing(open_file(path)) as connection:
        return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY rowid").fetchall()


def open_file(path: Path) -> sqlite3.Connection:
    """A connection as the application has it: it waits for others, and it begins its transactions itself."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def make_mapping(path: Path, model: Path | None = None) -> Path:
    """The mapping file. `label` has no property: it is kept in `source_columns`.

    Args:
        model: the folder of one that makes vectors of the bodies of documents; None: they have no vectors.
    """
    models = f"models:\n  static: {{folder: {model}}}\n" if model is not None else ""
    lines = "".join(_collection_lines(MAPPED, has_vectors=model is not None))
    path.write_text(f"name: chaos\n{models}collections:\n{lines}", encoding="utf-8")
    return path


def _collection_lines(tables: Iterable[Table], *, has_vectors: bool) -> Iterable[str]:
    for table in tables:
        rows = (
            f"select: {table.select}\n    key: [{', '.join(table.key_columns)}]"
            if table.select
            else f"table: {table.name}"
        )
        yield f"  - name: {table.collection}\n    {rows}\n"
        if table.has_tenants:
            yield f"    tenant: {{column: label, of_null: {TENANT_OF_NULL}}}\n"
        if table.name == EMBEDDED and has_vectors:
            yield f"    vectors: [{{name: {VECTOR}, from: [body], model: static}}]\n"
        yield "    properties:\n"
        for column, kind in table.key:
            index = ", index: whole" if kind == "text" else ""
            yield f"      - {{name: {property_name(column)}, column: {column}, type: {kind}{index}}}\n"
        yield "      - {name: writer, column: writer, type: int}\n"
        yield "      - {name: body, column: body, index: words}\n"
        yield "      - {name: amount, column: amount, type: number}\n"


def tenant_of(label: Value) -> str:
    """The tenant of rows with this label: two numbers with a slash between them, or NULL."""
    if label is None:
        return TENANT_OF_NULL
    assert isinstance(label, str)
    return "t_" + sha256(f'["text","{label}"]'.encode()).hexdigest()[:32]


def embedded_text(body: Value) -> str | None:
    """What of a body the model gets; None for a row without a vector."""
    return str(body) if isinstance(body, str | int) and body != "" else None


def property_name(column: str) -> str:
    """`id` is Weaviate's own."""
    return "documentId" if column == "id" else column
