"""A mapping that is guessed, beside the audit, which converts every value as the migration does."""

import hashlib
import json
import sqlite3
import struct
from contextlib import closing
from uuid import NAMESPACE_OID, uuid5

import pytest

from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.preflight.audit.report import ColumnReport
from weaviate_migration.phases.preflight.audit.source import audit_source
from weaviate_migration_tests.phases.preflight.inference.guessing import guess_of, told

ROWS = range(40)
# Each column with values of one kind, and now and then one of another.
COLUMNS: dict[str, tuple[str, list[SqlValue]]] = {
    "name": ("text whole", [f"name{row}" if row % 9 else 7 for row in ROWS]),
    "size INTEGER": ("int", [row if row % 9 else "none" for row in ROWS]),
    "score REAL": ("number", [row / 7 if row % 9 else "none" for row in ROWS]),
    "done BOOLEAN": ("boolean", [row % 2 if row % 9 else 5 for row in ROWS]),
    "open CHAR(1)": ("boolean {true: Y, false: N}", ["YN"[row % 2] for row in ROWS]),
    "active BOOLEAN": ("boolean {true: t, false: f}", ["tf"[row % 2] if row % 9 else "?" for row in ROWS]),
    "seen DATETIME": ("date", [f"2024-01-{row % 28 + 1:02}" if row % 9 else "never" for row in ROWS]),
    "day TEXT": ("date %d/%m/%Y", [f"{row % 28 + 1:02}/02/2024" if row % 30 else "never" for row in ROWS]),
    "made_at": ("date epoch_seconds", [1_700_000_000 + row if row % 30 else "never" for row in ROWS]),
    "visited_at": ("date epoch_microseconds", [1_700_000_000_000_000 + row for row in ROWS]),
    "ZDATE TIMESTAMP": ("date apple", [700_000_000.5 + row if row % 9 else None for row in ROWS]),
    "price TEXT": ("number text", [f"{row}.50" if row % 9 else "free" for row in ROWS]),
    "owner": ("uuid", [str(uuid5(NAMESPACE_OID, str(row))) if row % 30 else "nobody" for row in ROWS]),
    "other BLOB": ("uuid", [uuid5(NAMESPACE_OID, str(row)).bytes for row in ROWS]),
    "tags JSON": ("text[] whole", [json.dumps([f"tag{row}"]) if row % 9 else "[1]" for row in ROWS]),
    "sizes": ("int[]", [json.dumps([row, row + 1]) if row % 30 else "[null]" for row in ROWS]),
    "shares": ("number[]", [json.dumps([row / 7]) if row % 30 else "[null]" for row in ROWS]),
    "flags": ("boolean[]", [json.dumps([row % 2 == 0]) if row % 30 else "[null]" for row in ROWS]),
    "days": ("date[]", [json.dumps([f"2024-01-{row % 28 + 1:02}"]) if row % 30 else "[null]" for row in ROWS]),
    "embedding BLOB": ("vector float32", [struct.pack("<8f", *[row + 0.5] * 8) for row in ROWS]),
    "doubles BLOB": ("vector float64", [struct.pack("<9d", *[row + 0.1] * 9) for row in ROWS]),
    "digest BLOB": ("nothing", [hashlib.md5(str(row).encode()).digest() for row in ROWS]),
}


def split(declaration: str) -> tuple[str, str]:
    name, _, declared = declaration.partition(" ")
    return name, declared


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ColumnReport]:
    """What the audit says of each column, with the mapping that was guessed."""
    folder = tmp_path_factory.mktemp("audited")
    guesses = {name: guess_of(name, values) for name, (_, values) in COLUMNS.items()}
    properties = [guess.property for guess in guesses.values() if guess.property is not None]
    vectors = [guess.vector for guess in guesses.values() if guess.vector is not None]
    collection = CollectionMapping(
        name="Thing",
        table="things",
        properties=tuple(each.model_copy(update={"name": f"property{at}"}) for at, each in enumerate(properties)),
        vectors=tuple(each.model_copy(update={"name": f"vector{at}"}) for at, each in enumerate(vectors)),
    )
    with closing(sqlite3.connect(folder / "things.db")) as file:
        file.execute(f"CREATE TABLE things (key INTEGER PRIMARY KEY, {', '.join(COLUMNS)})")
        rows = zip(ROWS, *(values for _, values in COLUMNS.values()), strict=True)
        file.executemany(f"INSERT INTO things VALUES ({', '.join('?' * (len(COLUMNS) + 1))})", rows)
        file.commit()
    audit = audit_source(folder / "things.db", Mapping(name="things", collections=(collection,)), folder / "scratch")
    (table,) = audit.tables
    assert table.refused == 0
    return {column.name: column for column in table.columns}


@pytest.mark.parametrize("declaration", COLUMNS)
def test_the_audit_finds_as_many_values_that_do_not_fit(declaration: str, audited: dict[str, ColumnReport]) -> None:
    found, values = COLUMNS[declaration]
    guess = guess_of(declaration, values)
    assert told(guess) == found
    left_out = sum(each.count for each in audited[split(declaration)[0]].findings if each.fate == "left out")
    told_of = f"; {left_out} of {len(ROWS)} values {'does' if left_out == 1 else 'do'} not fit"
    assert (told_of in guess.reason) == (left_out > 0 and "epoch" not in found)
    assert "not fit" not in guess.reason or left_out > 0
