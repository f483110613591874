"""The UUID that stands for a parent is that of the row whose key SQLite would have, had it been put there."""

import sqlite3
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.parents import Affinity, ParentKey, affinity_of, parent_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.meaning_of_parents import parent_judge, parent_meant
from weaviate_migration_tests.strategies import DECIMAL_TEXTS, INTEGERS, NOT_UTF8, REALS

AFFINITIES: tuple[Affinity, ...] = get_args(Affinity)
PARENTS = {each: ParentKey("parent", "notes", each, "parent_uuid") for each in AFFINITIES}
UUIDS_OF = {each: parent_uuid(parent) for each, parent in PARENTS.items()}
MEANT_BY = {each: parent_meant(parent) for each, parent in PARENTS.items()}
NUMBERS_IN_BLANKS = st.builds(
    lambda before, number, after: before + number + after,
    st.sampled_from(["", " ", "\t\n", "\v\f\r", "\x00", "\u00a0"]),
    DECIMAL_TEXTS | INTEGERS.map(str) | REALS.map(str),
    st.sampled_from(["", " ", "\r", "\x00", "x", "\u2003"]),
)
VALUES = st.one_of(st.none(), INTEGERS, REALS, NUMBERS_IN_BLANKS, st.text(), st.uuids().map(str), st.binary(), NOT_UTF8)
DECLARED = (
    *("INT", "INTEGER", "BIGINT UNSIGNED", "CHARINT", "TEXT", "varchar(255)", "CLOB", "BLOB", "", "REAL", "DOUBLE"),
    *("FLOAT", "FLOATING POINT", "NUMERIC", "DECIMAL(10,5)", "UUID", "DATETIME", "STRING", "TEXTINT", "ANY"),
)


def kept_in_a_column(affinity: str, value: SqlValue) -> SqlValue:
    """What SQLite itself holds of a value, in a table of its own."""
    connection = sqlite3.connect(":memory:")
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    connection.execute(f"CREATE TABLE t (k {affinity})")
    if isinstance(value, str) and any("\ud800" <= each <= "\udfff" for each in value):
        connection.execute("INSERT INTO t VALUES (CAST(? AS TEXT))", (value.encode("utf-8", "surrogateescape"),))
    else:
        connection.execute("INSERT INTO t VALUES (?)", (value,))
    (found,) = connection.execute("SELECT k FROM t").fetchone()
    connection.close()
    return found  # type: ignore[no-any-return]


@given(st.sampled_from(AFFINITIES), VALUES)
@example("REAL", -0.0)
@example("BLOB", -0.0)
@example("BLOB", 0.0)
@example("INTEGER", 9.223372036854775807e18)
@example("INTEGER", "9223372036854775808")
@example("INTEGER", " 7 ")
@example("NUMERIC", "1e3")
@example("TEXT", 1e20)
@example("INTEGER", "9" * 5000)
@example("INTEGER", "-" + "0" * 5000 + "7")
@example("NUMERIC", "-9223372036854775808")
@example("NUMERIC", "")
def test_both_ways_name_the_row_that_sqlite_would_hold(affinity: Affinity, value: SqlValue) -> None:
    key = kept_in_a_column(affinity, value)
    expected = None if key is None else object_uuid("notes", (key,))
    assert UUIDS_OF[affinity](value) == expected
    assert MEANT_BY[affinity](value) == expected


@pytest.mark.parametrize("affinity", AFFINITIES)
def test_values_that_python_takes_for_equal_are_several_keys(affinity: Affinity) -> None:
    for value in (1, 1.0, "1", b"1", 0.0, -0.0, 0):
        expected = object_uuid("notes", (kept_in_a_column(affinity, value),))
        assert UUIDS_OF[affinity](value) == MEANT_BY[affinity](value) == expected


@pytest.mark.parametrize("declared", DECLARED)
def test_an_affinity_is_the_one_that_sqlite_sees_in_the_declared_type(declared: str) -> None:
    for value in ("7", "7.5", 7, 7.0, "x"):
        one, other = kept_in_a_column(declared, value), kept_in_a_column(affinity_of(declared), value)
        assert (type(one), one) == (type(other), other)


def test_the_judge_finds_another_uuid_and_an_absent_one() -> None:
    agrees = parent_judge(PARENTS["INTEGER"])
    right, other = object_uuid("notes", (7,)), object_uuid("notes", ("7",))
    assert agrees("7", right)
    assert agrees(None, None)
    assert not agrees("7", other)
    assert not agrees("7", None)
    assert not agrees(None, right)
