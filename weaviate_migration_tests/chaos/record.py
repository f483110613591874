"""A writer's own record of what it committed: a file of JSON lines, outside SQLite.

Before a transaction a line says what it would do, after it another one that it is over. A writer that was killed in
between leaves a transaction in doubt: the file has either all of it or nothing.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from weaviate_migration_tests.chaos.tables import Row, Value
from weaviate_migration_tests.chaos.transactions import Effects, Rows, applied, apply, no_rows


@dataclass(frozen=True)
class Told:
    """What a record says.

    Attributes:
        transactions: how many are over.
        rows: what they left.
        doubt: what one would do of which nobody knows whether it was committed.
    """

    transactions: int
    rows: Rows
    doubt: Effects

    def agrees_with(self, found: Rows) -> bool:
        """Whether these are the writer's rows in SQLite: exactly, storage classes too."""
        return any(same_rows(found, each) for each in (self.rows, applied(self.rows, self.doubt)))


class WriterRecord:
    """The record of one writer.

    Args:
        path: the file; each line is added with one call, so a kill cuts off the last one at most.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.ftruncate(self._descriptor, len(self._whole_lines()))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def intend(self, effects: Effects) -> None:
        """Says what the transaction that begins now would do; nothing, for one that is going to be rolled back."""
        entries = [[table, _encoded(key), row and _encoded(row)] for (table, key), row in effects.items()]
        self._add({"would": entries})

    def conclude(self, committed: bool) -> None:
        """Says that it is over."""
        self._add({"committed": committed})

    def transactions(self) -> int:
        """How many are over, without reading what they did."""
        return self._whole_lines().count(b'{"committed"')

    def read(self) -> Told:
        """What the record says, also while its writer goes on with it."""
        transactions, rows, doubt = 0, no_rows(), Effects()
        for line in self._whole_lines().splitlines():
            said = json.loads(line)
            if "would" in said:
                doubt = {(table, _decoded(key)): row and _decoded(row) for table, key, row in said["would"]}
                continue
            if said["committed"]:
                apply(rows, doubt)
            transactions, doubt = transactions + 1, Effects()
        return Told(transactions, rows, doubt)

    def _add(self, line: object) -> None:
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")

    def _whole_lines(self) -> bytes:
        held = self._path.read_bytes() if self._path.exists() else b""
        return held[: held.rfind(b"\n") + 1]


def same_rows(one: Rows, other: Rows) -> bool:
    """Whether these are the same rows; 1 and 1.0 are not the same."""
    return as_text(one) == as_text(other)


def as_text(rows: Rows) -> dict[str, list[str]]:
    """For each table its rows as sorted texts that tell storage classes apart."""
    return {table: sorted(row_text(row) for row in held.values()) for table, held in rows.items()}


def row_text(row: Row) -> str:
    return json.dumps(_encoded(row))


def _encoded(values: Row) -> list[Any]:
    return [{"blob": value.hex()} if isinstance(value, bytes) else value for value in values]


def _decoded(values: list[Any]) -> Row:
    return tuple(map(_value, values))


def _value(encoded: Any) -> Value:
    found: Value = bytes.fromhex(encoded["blob"]) if isinstance(encoded, dict) else encoded
    return found
