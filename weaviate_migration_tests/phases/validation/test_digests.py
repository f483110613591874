"""The digests, computed once more from their definition alone."""

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.digests import collection_digest, row_line, row_lines
from weaviate_migration_tests.strategies import ROWS

UUID = "00000000-0000-4000-8000-000000000001"


def test_lines_are_what_the_definition_says() -> None:
    values: tuple[SqlValue, ...] = (1, 1.0, "1", "é", b"\xff", "\udcff", float("-inf"), None, -0.0)
    told = '1,1.0,"1","\\u00e9",{"base64":"/w=="},{"text_base64":"/w=="},{"real":"-Infinity"},null,-0.0'
    assert row_line(UUID, values) == f'["{UUID}",{told}]\n'.encode()
    assert row_line(None, (1,)) == b"[null,1]\n"
    assert row_line(UUID, None) == f'["{UUID}","unreadable"]\n'.encode()


@given(ROWS, ROWS)
def test_only_the_same_row_gives_the_same_line(one: tuple[SqlValue, ...], other: tuple[SqlValue, ...]) -> None:
    def exact(row: tuple[SqlValue, ...]) -> list[Any]:
        return [(type(each), each.hex() if isinstance(each, float) else each) for each in row]

    assert (row_line(UUID, one) == row_line(UUID, other)) == (exact(one) == exact(other))
    line = row_line(UUID, one)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert len(json.loads(line)) == 1 + len(one)


@given(st.lists(ROWS, max_size=3))
def test_many_lines_at_once_are_the_lines(rows: list[tuple[SqlValue, ...]]) -> None:
    uuids = [UUID] * len(rows)
    assert row_lines(uuids, list(zip(*rows, strict=True))) == b"".join(map(row_line, uuids, rows))


def test_a_text_that_looks_like_the_end_of_a_row() -> None:
    odd = ["],[", '],["0', '],["', "]\n["]
    lines = b"".join(row_line(UUID, (each, each)) for each in odd)
    assert row_lines([UUID] * len(odd), [odd, odd]) == lines


def test_many_lines_with_every_character() -> None:
    blocks = (range(start, start + 256) for start in range(0, 0x11000, 256))
    utf8 = ["".join(map(chr, block)) for block in blocks if not 0xD800 <= block.start < 0xE000]
    for column in (utf8[:1], ['\x00\x1f "/\\~', "a"], utf8, [*utf8, "bytes \udc80\udcff that are no UTF-8"]):
        uuids = [UUID] * len(column)
        assert row_lines(uuids, [column]) == b"".join(row_line(UUID, (each,)) for each in column)


def test_many_lines_with_reals_of_every_form() -> None:
    reals = [0.0, -0.0, 1.0, 0.1, 1e16, 1e22, 1e-5, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf")]
    column: list[SqlValue] = [*reals, 1, 2**63 - 1, -(2**63), b"\xff", None, "1.0"]
    assert row_lines([UUID] * len(column), [column]) == b"".join(row_line(UUID, (each,)) for each in column)


def test_a_collection_has_the_digest_of_its_partitions() -> None:
    parts = [hashlib.sha256(each).hexdigest() for each in (b"a", b"b")]
    assert collection_digest(parts) == hashlib.sha256(f"{parts[0]}\n{parts[1]}\n".encode()).hexdigest()
    assert collection_digest(parts) != collection_digest(reversed(parts))
