import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.object_ids import NAMESPACE, address, object_uuid, split_address
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration_tests.strategies import SQL_VALUES

CANONICAL = "6b9a37b1-a0c7-7f86-8c11-9ae25b0f31a4"


def test_a_canonical_uuid_is_kept() -> None:
    assert object_uuid("notes", (CANONICAL,)) == CANONICAL
    nil = "00000000-0000-0000-0000-000000000000"
    assert object_uuid("notes", (nil,)) == nil


# The rule is a promise to whoever computes the UUIDs without this package: these never change.
@pytest.mark.parametrize(
    ("table", "key", "name"),
    [
        ("notes", (1,), '["notes",[["integer","1"]]]'),
        ("notes", ("1",), '["notes",[["text","1"]]]'),
        ("notes", (1.0,), '["notes",[["real","0x1.0000000000000p+0"]]]'),
        ("notes", (b"\x01\xff",), '["notes",[["blob","01ff"]]]'),
        ("notes", (b"a\xff".decode("utf-8", "surrogateescape"),), '["notes",[["text-bytes","61ff"]]]'),
        ("Notes of Zoë", ("ä🎉",), '["Notes of Zoë",[["text","ä🎉"]]]'),
        ("notes", (1, 'a"b'), '["notes",[["integer","1"],["text","a\\"b"]]]'),
        ("notes", (CANONICAL.upper(),), f'["notes",[["text","{CANONICAL.upper()}"]]]'),
        ("notes", (CANONICAL, 1), f'["notes",[["text","{CANONICAL}"],["integer","1"]]]'),
    ],
)
def test_other_keys_give_a_version_5_uuid_of_this_name(table: str, key: tuple[SqlValue, ...], name: str) -> None:
    assert object_uuid(table, key) == str(uuid.uuid5(uuid.UUID("5b0f31a4-6f86-4c11-9ae2-6b9a37b1a0c7"), name))
    assert str(NAMESPACE) == "5b0f31a4-6f86-4c11-9ae2-6b9a37b1a0c7"


def test_one_known_uuid() -> None:
    assert object_uuid("notes", (1,)) == "a89cd0a9-0be4-5086-be44-ef5b6865075e"


@pytest.mark.parametrize("key", [(None,), (None, 1), ("a", None)])
def test_a_key_with_null_has_none(key: tuple[SqlValue, ...]) -> None:
    assert object_uuid("notes", key) is None


KEYS = st.lists(SQL_VALUES.filter(lambda value: value is not None), min_size=1, max_size=3).map(tuple)


def told_apart(key: tuple[SqlValue, ...]) -> tuple[tuple[type, str], ...]:
    return tuple((type(part), part.hex() if isinstance(part, float) else repr(part)) for part in key)


@given(st.lists(KEYS, min_size=2, max_size=2, unique_by=told_apart))
def test_different_keys_have_different_uuids(keys: list[tuple[SqlValue, ...]]) -> None:
    first, second = (object_uuid("notes", key) for key in keys)
    assert first != second


@given(KEYS)
def test_uuids_are_canonical_and_depend_on_the_table(key: tuple[SqlValue, ...]) -> None:
    found = object_uuid("notes", key)
    assert found is not None
    assert str(uuid.UUID(found)) == found
    assert object_uuid("notes", key) == found
    assert object_uuid("pages", key) != found or found == key[0]


TENANTS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ADDRESSED = st.tuples(TENANTS, st.uuids().map(str))


@given(ADDRESSED, ADDRESSED)
def test_addresses_sort_as_tenants_and_then_uuids(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (address(*one) < address(*other)) == (one < other)


@given(ADDRESSED)
def test_an_address_is_read_back(of_object: tuple[str, str]) -> None:
    assert split_address(address(*of_object)) == of_object


def test_without_tenants_the_address_is_the_uuid() -> None:
    assert address(None, CANONICAL) == CANONICAL
    assert split_address(CANONICAL) == (None, CANONICAL)
