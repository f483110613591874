"""Random SQLite databases of one table, made by real DDL, each with a mapping for it."""

import sqlite3
import string
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import get_args
from uuid import UUID

from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.property_mapping import PropertyType
from weaviate_migration.mapping.values import SqlValue, is_utf8
from weaviate_migration.source.inspect import quoted
from weaviate_migration_tests.strategies import SQL_VALUES, spelled_fields

ROWS = 100

_KEYWORDS = ["select", "TABLE", "group", "null", "rowid", "_rowid_", "oid", "index", "default", "true"]
_PUNCTUATED = [
    'say "hi"',
    '"',
    "it's",
    "a b",
    " ",
    "[x]",
    "`x`",
    "a.b",
    "a,b",
    "%s",
    "?1",
    ":low",
    "--",
    "/*",
    ";",
    "{}",
]
_LETTERS = [
    "🎉",
    "Ünïcödé",
    "ünïcödé",
    "e\u0301",
    "\u00e9",
    "ß",
    "İ",
    "\n",
    "\t",
    "value",
    "child",
    "parent",
    "uuid",
    "1",
]
_ANY_NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
TABLE_NAMES = st.one_of(st.sampled_from([*_KEYWORDS, *_PUNCTUATED, *_LETTERS]), _ANY_NAME).filter(
    lambda name: not folded(name).startswith("sqlite_")
)
# SQLite takes an empty name for a column, too.
COLUMN_NAMES = st.one_of(st.sampled_from([*_KEYWORDS, *_PUNCTUATED, *_LETTERS, ""]), _ANY_NAME)
ROWID_NAMES = {"rowid", "_rowid_", "oid"}

DECLARED_TYPES = [
    *("", "INTEGER", "BIGINT", "TEXT", "VARCHAR(20)", "CLOB", "REAL", "DOUBLE PRECISION", "FLOAT", "NUMERIC"),
    *("DECIMAL(10, 2)", "BOOLEAN", "DATETIME", "DATE", "BLOB", "JSON", "ANY", "FLOATING POINT", '"odd type"'),
]
COLLATIONS = ["", "", "", "COLLATE NOCASE", "COLLATE RTRIM"]
EXPRESSIONS = ["length({})", "{} || 'x'", "typeof({})", "CAST({} AS BLOB)", "{} IS NULL", "{} * 1.5", "hex({})"]
KEYS = ["rowid", "integer", "declared", "without rowid", "mapped"]
_SWAPPED = str.maketrans(string.ascii_letters, string.ascii_uppercase + string.ascii_lowercase)


@dataclass(frozen=True)
class RandomTable:
    """A database to be made.

    Attributes:
        columns: all of them, in the table's order; `generated` are those that SQLite fills.
        key: the columns of the key; none: the rowid.
        pool: what the values of the rows are taken from, by a generator with this seed.
    """

    encoding: str
    statement: str
    name: str
    columns: tuple[str, ...]
    generated: frozenset[str]
    key: tuple[str, ...]
    key_is_integer: bool
    pool: tuple[SqlValue, ...]
    seed: int
    mapping: CollectionMapping

    def make(self, path: Path) -> Path:
        """Makes the file, with `ROWS` rows; what a constraint refuses is left out, and another row taken."""
        given = [name for name in self.columns if name not in self.generated]
        places = ", ".join("CASE WHEN ? THEN CAST(? AS TEXT) ELSE ? END" for _ in given)
        insert = f"INSERT INTO {quoted(self.name)} ({', '.join(map(quoted, given))}) VALUES ({places})"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"PRAGMA encoding = '{self.encoding}'")
            connection.execute(self.statement)
            rows = self._rows(given)
            made = 0
            while made < ROWS:
                with suppress(sqlite3.IntegrityError):
                    made += connection.execute(insert, _arguments(next(rows))).rowcount
        return path

    def _rows(self, given: Sequence[str]) -> Iterator[tuple[SqlValue, ...]]:
        random = Random(self.seed)
        for number in count():
            values: dict[str, SqlValue] = {name: random.choice(self.pool) for name in given}
            # Now and then a key is any value: NULL, or one that another row has.
            if self.key and random.random() < 0.8:
                fresh = number if self.key_is_integer else _fresh_key(number, random)
                values[random.choice(self.key)] = fresh
            yield tuple(values.values())


def _fresh_key(number: int, random: Random) -> SqlValue:
    uuid = str(UUID(int=random.getrandbits(128)))
    alike: list[SqlValue] = [number, -number, number + 0.5, f"key {number}", f"\0{number}"]
    return random.choice([*alike, uuid, uuid.upper(), uuid.encode()])


def _arguments(values: Sequence[SqlValue]) -> list[SqlValue]:
    """Each value by three parameters: text that is not UTF-8 gets into SQLite as a blob that is cast."""
    arguments: list[SqlValue] = []
    for value in values:
        if isinstance(value, str) and not is_utf8(value):
            arguments += [True, value.encode(errors="surrogateescape"), None]
        else:
            arguments += [False, None, value]
    return arguments


@st.composite
def random_tables(draw: st.DrawFn) -> RandomTable:
    """Any table, with values of all storage classes and a mapping of some of its columns."""
    names = tuple(draw(st.lists(COLUMN_NAMES, min_size=3, max_size=7, unique_by=folded)))
    kinds = [kind for kind in KEYS if kind != "rowid" or not set(map(folded, names)) >= ROWID_NAMES]
    kind = draw(st.sampled_from(kinds))
    # A mapping cannot name the column whose name is empty.
    usable = [name for name in names if name] if kind == "mapped" else list(names)
    least, most = {"rowid": (0, 0), "integer": (1, 1)}.get(kind, (1, 2))
    key = tuple(draw(st.lists(st.sampled_from(usable), min_size=least, max_size=most, unique=True)))
    generated = draw(_generated_columns([name for name in names if name not in key]))
    table = draw(TABLE_NAMES)
    return RandomTable(
        encoding=draw(st.sampled_from(["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"])),
        statement=draw(_statements(table, names, key, kind, generated)),
        name=table,
        columns=names,
        generated=generated,
        key=key,
        key_is_integer=kind == "integer",
        pool=tuple(draw(st.lists(SQL_VALUES, min_size=10, max_size=40))),
        seed=draw(st.integers(0, 2**32)),
        mapping=draw(_mappings(table, names, key, kind)),
    )


def _generated_columns(others: Sequence[str]) -> st.SearchStrategy[frozenset[str]]:
    """Some of the columns that are not in the key; one at least is left to be generated from."""
    return st.frozensets(st.sampled_from(others[1:]), max_size=2) if others[1:] else st.just(frozenset())


@st.composite
def _statements(
    draw: st.DrawFn, table: str, names: Sequence[str], key: Sequence[str], kind: str, generated: frozenset[str]
) -> str:
    plain = [name for name in names if name not in generated]
    parts = []
    for name in names:
        if kind == "integer" and name in key:
            parts.append(f"{quoted(name)} INTEGER PRIMARY KEY")
            continue
        part = f"{quoted(name)} {draw(st.sampled_from(DECLARED_TYPES))} {draw(st.sampled_from(COLLATIONS))}"
        if name in generated:
            expression = draw(st.sampled_from(EXPRESSIONS)).format(quoted(draw(st.sampled_from(plain))))
            part += f" GENERATED ALWAYS AS ({expression}) {draw(st.sampled_from(['VIRTUAL', 'STORED']))}"
        parts.append(part)
    if kind in ("declared", "without rowid"):
        parts.append(f"PRIMARY KEY ({', '.join(map(quoted, key))})")
    options = "WITHOUT ROWID" if kind == "without rowid" else ""
    return f"CREATE TABLE {quoted(table)} ({', '.join(parts)}) {options}"


@st.composite
def _mappings(draw: st.DrawFn, table: str, names: Sequence[str], key: Sequence[str], kind: str) -> CollectionMapping:
    """Properties of every type on any column, spelled in any case; some columns are left out, others not mapped."""
    named = [name for name in names if name]
    columns = draw(st.lists(st.sampled_from(named), min_size=1, max_size=2 * len(named)))
    free = [name for name in named if name not in key and name not in columns]
    properties = [draw(_properties(f"p{number}", column)) for number, column in enumerate(columns)]
    return CollectionMapping(
        name="Note",
        table=draw(_spelled(table)),
        key=tuple([draw(_spelled(name)) for name in key]) if kind == "mapped" else (),
        properties=tuple(properties),
        omit={draw(_spelled(name)): "a secret" for name in free if draw(st.booleans())},
    )


@st.composite
def _properties(draw: st.DrawFn, name: str, column: str) -> PropertyMapping:
    kind: PropertyType = draw(st.sampled_from(get_args(PropertyType)))
    is_text = kind in ("text", "text[]")
    default = draw(st.sampled_from([None, None, "", "a default"])) if kind == "text" else None
    return PropertyMapping(
        name=name,
        column=draw(_spelled(column)),
        type=kind,
        index=draw(st.sampled_from(["whole", "words", "stored"])) if is_text else None,
        default=default,
        default_for_empty=default is not None and draw(st.booleans()),
        json_key=draw(st.sampled_from([None, None, "a", "b"])) if is_text else None,
        **draw(spelled_fields(kind)),
    )


def _spelled(name: str) -> st.SearchStrategy[str]:
    """The name as it is, or in the other case, where SQLite ignores it: ASCII."""
    return st.sampled_from([name, name.translate(_SWAPPED)])
