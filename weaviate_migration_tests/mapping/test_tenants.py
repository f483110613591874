import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.tenants import TENANT_NAME, tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration_tests.strategies import SQL_VALUES

NAMES = st.from_regex(TENANT_NAME.replace("$", r"\Z"))
VALUES = st.one_of(SQL_VALUES, NAMES).filter(lambda value: value is not None)


def hashed(text: str) -> str:
    return "t_" + hashlib.sha256(text.encode()).hexdigest()[:32]


# A promise to whoever computes the names without this package: these never change.
@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("acme", "acme"),
        ("Acme", "Acme"),
        (7, "7"),
        ("7", "7"),
        (-7, "-7"),
        ("007", "007"),
        ("a_b-C", "a_b-C"),
        ("t-1", "t-1"),
        ("a" * 64, "a" * 64),
        ("a" * 65, hashed(f'["text","{"a" * 65}"]')),
        ("", hashed('["text",""]')),
        ("Zoë", hashed('["text","Zoë"]')),
        ("a b", hashed('["text","a b"]')),
        ("a\n", hashed('["text","a\\n"]')),
        ("\u0661", hashed('["text","\u0661"]')),
        ("t_1", hashed('["text","t_1"]')),
        (7.0, hashed('["real","0x1.c000000000000p+2"]')),
        (b"acme", hashed('["blob","61636d65"]')),
        ("a\udcff", hashed('["text-bytes","61ff"]')),
    ],
)
def test_names(value: SqlValue, name: str) -> None:
    assert tenant_name(value) == name


def test_null_has_the_name_that_the_mapping_gives_it_and_shares_it_with_no_value() -> None:
    assert tenant_name(None) == ""
    assert tenant_name(None, "none") == "none"
    assert tenant_name("none", "none") == hashed('["text","none"]')
    assert tenant_name("None", "none") == "None"
    assert tenant_name(7, "7") == hashed('["integer","7"]')


@given(VALUES, st.one_of(st.none(), NAMES.filter(lambda name: not name.startswith("t_"))))
def test_each_name_is_one_that_weaviate_takes(value: SqlValue, of_null: str | None) -> None:
    name = tenant_name(value, of_null)
    assert name != of_null
    assert re.fullmatch(TENANT_NAME.replace("$", r"\Z"), name)


def told_apart(value: SqlValue) -> tuple[type, str]:
    return (type(value), value.hex() if isinstance(value, float) else repr(value))


@given(st.lists(VALUES, min_size=2, max_size=2, unique_by=told_apart))
def test_two_values_share_a_name_only_where_one_is_an_integer_and_the_other_its_text(values: list[SqlValue]) -> None:
    one, other = values
    alike = {type(one), type(other)} == {int, str} and str(one) == str(other)
    assert (tenant_name(one) == tenant_name(other)) == (alike and not tenant_name(one).startswith("t_"))


@given(NAMES)
def test_a_name_that_is_no_hash_is_the_text_of_the_value(name: str) -> None:
    given_name = tenant_name(name)
    assert given_name.startswith("t_") or given_name == name
