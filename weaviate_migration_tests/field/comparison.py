"""Whether every row of a SQLite file can be read from its object, found out without one line of the product's code.

Both sides are read apart: the rows by sqlite3, with the storage class that SQLite names, and the objects over REST. A
row is rebuilt by the rules that docs/mapping.md states: a column is what `source_columns` says of it, or else what the
inverse of its property gives. `test_field.py` holds that nothing of the product is imported here.
"""

import json
import sqlite3
import struct
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import httpx

PAGE = 1000
_SHOWN = 3
_FOLLOWED_BY_TRIGGERS = "_weaviate_migration_"

# A value's storage class, and its bytes or the number.
Classed = tuple[str, Any]
Row = tuple[Classed, ...]
Json = Mapping[str, Any]


class Comparison(NamedTuple):
    """What was compared of one file, and what was not.

    Attributes:
        rows: of each mapped table, all of them read from both sides.
        left_out: the tables and columns (`table.column`) that the mapping leaves out, each with the reason.
        differences: one for each row that only one side has, some of each table; and each table, column or property
            that the mapping passes over or takes for what it is not.
    """

    rows: dict[str, int]
    left_out: dict[str, str]
    differences: list[str]


def compare(file: Path, mapping: Json, server: str, places: Mapping[str, str] | None = None) -> Comparison:
    """Compares every row of every mapped table with the objects, and what is mapped with what the file has.

    Args:
        mapping: the mapping file, as YAML reads it.
        server: the URL of Weaviate.
        places: for each of the mapping's collections the one that holds the objects; None: its alias points at it.
    """
    rows: dict[str, int] = {}
    left_out = dict(mapping.get("omit_tables") or {})
    differences: list[str] = []
    of_table: dict[str, tuple[_Table, list[Json]]] = {}
    with closing(_opened(file)) as connection, httpx.Client(base_url=server, timeout=60) as client:
        for collection in mapping["collections"]:
            table = _Table.read(connection, collection)
            found = list(_rows_by_sqlite(connection, table))
            place = _behind_alias(client, collection["name"]) if places is None else places[collection["name"]]
            objects = list(_objects(client, place))
            rows[table.name] = len(found)
            of_table[table.name] = table, objects
            left_out |= {f"{table.name}.{column}": reason for column, reason in table.omitted.items()}
            differences += _differences(table, found, objects)
            differences += _badly_chosen(table, found, objects)
        for table, objects in of_table.values():
            differences += _wrong_parents(table, objects, of_table)
        mapped = {*rows, *(mapping.get("omit_tables") or {})}
        differences += [f"{name}: neither mapped nor left out" for name in _tables(connection) if name not in mapped]
    differences += [f"{name}: left out without a reason" for name, reason in left_out.items() if not reason]
    return Comparison(rows, left_out, differences)


class _Table(NamedTuple):
    """A mapped table: the columns that are compared, and how each is read from an object."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    rowid: str | None
    collection: Json
    omitted: Json

    @classmethod
    def read(cls, connection: sqlite3.Connection, collection: Json) -> "_Table":
        info = connection.execute(
            "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden <> 1", (collection["table"],)
        )
        declared = [(name.decode(), key) for name, key in info]
        omitted = dict(collection.get("omit") or {})
        key = tuple(
            collection.get("key") or (name for name, place in sorted(declared, key=lambda each: each[1]) if place)
        )
        taken = {name.lower() for name, _ in declared}
        rowid = None if key else next(name for name in ("rowid", "oid", "_rowid_") if name not in taken)
        columns = tuple(name for name, _ in declared if name not in omitted)
        return cls(collection["table"], columns, key, rowid, collection, omitted)

    @property
    def provenance(self) -> str:
        return str(self.collection.get("provenance", "metadata"))

    def property_of(self, column: str) -> Json | None:
        """The one that may hold the column exactly: the first that is no member of its JSON."""
        of_column = (each for each in self.collection["properties"] if each["column"].lower() == column.lower())
        return next((each for each in of_column if "json_key" not in each), None)


def _opened(file: Path) -> sqlite3.Connection:
    """Text comes as its bytes. Anki's own collation is needed to open its tables, not to read them in any order."""
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    connection.text_factory = bytes
    connection.create_collation("unicase", lambda one, other: (one > other) - (one < other))
    return connection


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    """All but those that the change log keeps for itself."""
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        if not name.decode().startswith((_FOLLOWED_BY_TRIGGERS, "sqlite_")):
            yield name.decode()


def _rows_by_sqlite(connection: sqlite3.Connection, table: _Table) -> Iterator[Row]:
    names = [*table.columns, *([table.rowid] if table.rowid else [])]
    wanted = ", ".join(f"typeof({_quoted(name)}), {_quoted(name)}" for name in names)
    for row in connection.execute(f"SELECT {wanted} FROM {_quoted(table.name)}"):
        yield tuple(_bits(kind.decode(), value) for kind, value in zip(row[::2], row[1::2], strict=True))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _bits(kind: str, value: Any) -> Classed:
    """Reals by their bits: -0.0 is another than 0.0."""
    return kind, struct.pack(">d", value) if kind == "real" else value


def _behind_alias(client: httpx.Client, alias: str) -> str:
    (name,) = [each["class"] for each in client.get("/v1/aliases").json()["aliases"] if each["alias"] == alias]
    return str(name)


def _objects(client: httpx.Client, name: str) -> Iterator[Json]:
    """All objects, page by page, vectors included."""
    after = ""
    while True:
        wanted = {"class": name, "limit": str(PAGE), "after": after, "include": "vector"}
        answer = client.get("/v1/objects", params=wanted).raise_for_status().json()
        yield from answer["objects"]
        if len(answer["objects"]) < PAGE:
            return
        after = answer["objects"][-1]["id"]


def _differences(table: _Table, found: list[Row], objects: list[Json]) -> Iterator[str]:
    expected = Counter(found)
    rebuilt = Counter(_rebuilt(table, each) for each in objects)
    for side, rows in (("only in SQLite", expected - rebuilt), ("only in Weaviate", rebuilt - expected)):
        shown = [dict(zip((*table.columns, table.rowid), row, strict=False)) for row in list(rows)[:_SHOWN]]
        yield from (f"{table.name}: {rows.total()} rows {side}, such as {each}" for each in shown)
    for vector in table.collection.get("vectors") or ():
        if isinstance(vector, Mapping) and "column" in vector:
            yield from _differing_vectors(table, vector, objects)


def _rebuilt(table: _Table, stored: Json) -> Row:
    properties = stored["properties"]
    provenance = properties[table.provenance]
    verbatim = json.loads(provenance["source_columns"])
    row = [_said(verbatim[column]) if column in verbatim else _told(table, column, stored) for column in table.columns]
    return (*row, ("integer", int(provenance["original_id"]))) if table.rowid else tuple(row)


def _said(value: Any) -> Classed:
    """What `source_columns` says of a value."""
    match value:
        case None:
            return "null", None
        case bool():
            raise AssertionError(f"source_columns has {value}, which is no value of SQLite's")
        case int():
            return "integer", value
        case float():
            return _bits("real", value)
        case str():
            return "text", value.encode()
        case {"base64": text}:
            return "blob", b64decode(text)
        case {"text_base64": text}:
            return "text", b64decode(text)
        case {"real": text}:
            return _bits("real", float(text))
    raise AssertionError(f"source_columns has {value!r}")


def _told(table: _Table, column: str, stored: Json) -> Classed:
    """A column that is not kept verbatim: what its property says, or its vector of float32s."""
    prop = table.property_of(column)
    if prop is not None:
        return _inverse(prop, stored["properties"])
    vectors = [each for each in table.collection.get("vectors") or () if isinstance(each, Mapping)]
    held = [stored["vectors"][each["name"]] for each in vectors if each.get("column", "").lower() == column.lower()]
    assert held, "a column without a property and without a vector is not in source_columns"
    return "blob", _float32s(held[0])


def _inverse(prop: Json, properties: Json) -> Classed:
    """The value of a column that its property holds exactly; an absent property is NULL."""
    value = properties.get(prop["name"])
    return ("null", None) if value is None else _INVERSES[prop.get("type", "text")](prop, value)


def _boolean(prop: Json, value: bool) -> Classed:
    spelled = prop.get("values", {"true": [1], "false": [0]})["true" if value else "false"][0]
    return _said(spelled)


def _number(prop: Json, value: float) -> Classed:
    match prop.get("decimal"):
        case None:
            return _bits("real", float(value))
        case "text":
            return "text", repr(float(value)).encode()
        case {"scale": places}:
            return "integer", int(Decimal(repr(float(value))).scaleb(places))
    raise AssertionError(f"decimal: {prop['decimal']!r}")


def _date(prop: Json, value: str) -> Classed:
    moment = datetime.fromisoformat(value).astimezone(UTC)
    form = prop.get("date_format", "text")
    if form == "text":
        return "text", _date_text(value).encode()
    if form not in _EPOCHS:
        return "text", moment.strftime(form).encode()
    start, per_second = _EPOCHS[form]
    units = Fraction((moment - start) // timedelta(microseconds=1) * per_second, 10**6)
    return ("integer", units.numerator) if units.denominator == 1 else _bits("real", float(units))


def _date_text(value: str) -> str:
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _array_of(said: Callable[[Any], Any]) -> Callable[[Json, Any], Classed]:
    """Over REST a whole real looks like an integer."""
    return lambda _, values: ("text", json.dumps([said(each) for each in values]).encode())


_1970, _2001 = datetime(1970, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)
# What a number counts from, and how many of it are a second.
_EPOCHS = {
    "epoch_seconds": (_1970, 1),
    "epoch_milliseconds": (_1970, 10**3),
    "epoch_microseconds": (_1970, 10**6),
    "epoch_nanoseconds": (_1970, 10**9),
    "apple": (_2001, 1),
}
_INVERSES: dict[str, Callable[[Json, Any], Classed]] = {
    "text": lambda _, value: ("text", value.encode()),
    "uuid": lambda _, value: ("text", value.encode()),
    "int": lambda _, value: ("integer", int(value)),
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "blob": lambda _, value: ("blob", b64decode(value)),
    "text[]": _array_of(str),
    "int[]": _array_of(int),
    "number[]": _array_of(float),
    "boolean[]": _array_of(bool),
    "date[]": _array_of(_date_text),
}


def _differing_vectors(table: _Table, vector: Json, objects: list[Json]) -> Iterator[str]:
    """A vector is the numbers of its column, as float32s; a column that is NULL gives none."""
    place = table.columns.index(vector["column"])
    for each in objects:
        kind, value = _rebuilt(table, each)[place]
        held = each.get("vectors", {}).get(vector["name"])
        meant = None if kind == "null" else _float32s(_numbers(vector.get("bytes"), kind, value))
        if (None if held is None else _float32s(held)) != meant:
            yield f"{table.name}: vector `{vector['name']}` of {each['id']} is not that of its column"


def _numbers(form: str | None, kind: str, value: bytes) -> list[float]:
    """The numbers in a column; without a `bytes` in the mapping a blob holds float32s, and a text JSON."""
    if form == "base64":
        value, kind, form = b64decode(value), "blob", "float32"
    if form == "json" or (form is None and kind == "text"):
        numbers: list[float] = json.loads(value)
        return numbers
    code = {"float64": "d", "float16": "e", "int8": "b"}.get(form or "", "f")
    return [float(number) for (number,) in struct.iter_unpack(f"<{code}", value)]


def _float32s(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _wrong_parents(
    table: _Table, objects: list[Json], of_table: Mapping[str, tuple[_Table, list[Json]]]
) -> Iterator[str]:
    """Objects whose `parent_id` is not the UUID of the object whose row has the key that their own row names.

    Nothing is said here of keys that no row has, and of those that are equal to SQLite only.
    """
    for relation in table.collection.get("relations") or ():
        if "parent_id" not in relation:
            yield f"{table.name}: {relation} has no parent_id"
            continue
        parent, parents = of_table[relation["to_table"]]
        (key,) = parent.key
        uuids = {_rebuilt(parent, each)[parent.columns.index(key)]: each["id"] for each in parents}
        place = table.columns.index(relation["column"])
        for each in objects:
            value, found = _rebuilt(table, each)[place], each["properties"].get(relation["parent_id"])
            if value[0] == "null" and found is not None:
                yield f"{table.name}: an object without a parent has {found} in {relation['parent_id']}"
            elif value in uuids and found != uuids[value]:
                yield f"{table.name}: {relation['parent_id']} of {value} is {found}, and its parent {uuids[value]}"


def _badly_chosen(table: _Table, found: list[Row], objects: list[Json]) -> Iterator[str]:
    """Properties whose type most values of their column do not fit."""
    for prop in table.collection["properties"]:
        place = table.columns.index(prop["column"])
        values = sum(row[place] != ("null", None) for row in found)
        held = sum(each["properties"].get(prop["name"]) is not None for each in objects)
        if held * 2 < values:
            yield f"{table.name}: `{prop['name']}` holds {held} of {values} values"
