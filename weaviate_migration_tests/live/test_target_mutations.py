"""One object at a time is damaged in the target: the full comparison finds just that, and nothing before and after."""

import json
import math
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
import weaviate

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration_tests.live.small_migration import BEGAN, NOTES, SmallMigration
from weaviate_migration_tests.partition_keys import PARTITION_KEYS
from weaviate_migration_tests.strategies import COLUMNS

ROWS = 240
# Of twenty-one kinds: over 500 in all.
OF_EACH_KIND = 24
SOURCE_COLUMNS = f"{NOTES.provenance}.source_columns"
Properties = dict[str, Any]

# What the columns hold, so that each property is there in some objects, absent, empty or kept verbatim in others.
VALUES: dict[str, list[SqlValue]] = {
    "body": ["text of the note", "", None, "ünï🎉", "a\0b", 5, b"\xff", "x" * 5000],
    "tags": ['["a", "b"]', "[]", None, '["a","b","c"]', '["x"]', "null", "[1]"],
    "size": [0, 7, -(2**53) + 1, 2**53 - 1, None, 2**53 + 1, "many", 3.0],
    "score": [0.5, 0.1, -1e308, 5e-324, None, 3, 2.0**53, math.inf],
    "done": [0, 1, None, 2, "yes"],
    "at": ["2026-01-02 03:04:05", "2026-01-02 03:04:05.000001", "0001-01-01", "9999-12-31T23:59:59.999999Z", None, 7],
    "document": ['{"a": "member", "b": ["x", "y"]}', '{"a": "", "b": []}', None, "{", '{"b": ["z"]}'],
    "title": ["a title", "", None],
    "owner": ["an owner", "", None],
    "only": ['{"a": "some"}', "{}", None],
    "twice": [12, "twelve", None, 2**60],
    "unmapped": [None, 1, 1.5, "text", b"\x00\xff", math.inf, "not \udcff UTF-8"],
    "since": [0, 1767323045, 1767323045.25, -62135596800, None, "now"],
    "since_ms": [1767323045250, None, 2**60],
    "since_us": [1767323045250001, 0, None, 2**62],
    "since_ns": [1767323045250001000, 1767323045250001001, None, "now"],
    "since_2001": [789015845, 789015845.25, None, math.inf],
    "by_pattern_0": ["02/01/2026 03:04", "2/1/2026 03:04", None, "noon"],
    "by_pattern_1": ["Fri, 02 Jan 2026 03:04:05.000006 AM +0000", None, 7],
    "by_pattern_2": ["260102%", None, "260132%"],
    "spelled": ["t", "true", 1, 0, "N", None, "maybe"],
    "price": ["12.5", "12.50", 12.5, None, "dear"],
    "cents": [1250, 1, 12.5, None, "12.50"],
    'odd "name" of 🎉': [None, 2**63 - 1, 0.1, ""],
    "ident": [
        "00000000-0000-4000-8000-00000000000a",
        "00000000-0000-4000-8000-00000000000A",
        b"0123456789abcdef",
        7,
        None,
    ],
    "counts": ["[1, 2]", "[]", "[9007199254740991]", "[1,2]", "[1.0]", "[9007199254740993]", "[true]", None],
    "scores": ["[0.5, 1.0]", "[]", "[0.0, 5e-324]", "[-0.0]", "[1]", "[1e999]", None],
    "flags": ["[true, false]", "[]", "[1, 0]", "[2]", None],
    "moments": [
        '["2026-01-02 03:04:05", "0001-01-01 00:00:00.000001"]',
        "[]",
        '["2026-01-02T03:04:05.5Z"]',
        '["now"]',
        None,
    ],
    "picture": [b"\x00\xff", b"picture" * 500, b"a", b"", "text", None],
}


@dataclass(frozen=True)
class Damage:
    """What is wrong with an object, and where that is to be found.

    Attributes:
        properties: of the damaged object.
        named: the property that has to be named; `allowed` may be, too: the row is then rebuilt wrongly from it.
    """

    properties: Properties
    named: str
    allowed: frozenset[str] = frozenset()


def rows(random: Random) -> list[tuple[SqlValue, ...]]:
    keys: list[SqlValue] = [f"key {number}" for number in range(ROWS - 40)]
    keys += [str(UUID(int=random.getrandbits(128))) for _ in range(20)] + [number + 0.5 for number in range(20)]
    return [(key, *(random.choice(VALUES[column]) for column in COLUMNS[1:])) for key in keys]


def altered(random: Random, value: Any) -> Any:
    """Another value of the same type, as near as can be."""
    match value:
        case bool():
            return not value
        case int():
            return value - 1 if random.random() < 0.5 else value + 1
        case float():
            return math.nextafter(value, random.choice([0.0, 1e308, -1e308]) if value else 1.0)
        case list() if value:
            return random.choice([value[:-1], [*value, value[0]], [*value[:-1], altered(random, value[-1])]])
        case str() if value:
            return one_bit_off(random, value)
    return None


def one_bit_off(random: Random, text: str) -> str:
    position = random.randrange(len(text))
    return text[:position] + chr(ord(text[position]) ^ 1 << random.randrange(5)) + text[position + 1 :]


def uuid_altered(random: Random, value: str) -> str:
    return str(UUID(int=UUID(value).int ^ 1 << random.randrange(128)))


def blob_altered(random: Random, value: str) -> str:
    data = bytearray(b64decode(value))
    if random.random() < 0.3:
        return b64encode(data[:-1] or b"other").decode()
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return b64encode(data).decode()


def date_of_list_moved(random: Random, value: list[str]) -> list[str]:
    position = random.randrange(len(value))
    return [*value[:position], a_microsecond_off(value[position]), *value[position + 1 :]]


def a_microsecond_off(value: str) -> str:
    moment = datetime.fromisoformat(value)
    return (moment + timedelta(microseconds=1 if moment.year < 5000 else -1)).isoformat().replace("+00:00", "Z")


def of_property(random: Random, properties: Properties, change: Callable[[PropertyMapping, Any], Any]) -> Damage | None:
    """The damage of one property, at random among those that the change applies to: it gives None for others."""
    changes = [(prop, change(prop, properties.get(prop.name))) for prop in NOTES.properties]
    possible = [(prop, value) for prop, value in changes if value is not None and value != properties.get(prop.name)]
    if not possible:
        return None
    prop, value = random.choice(possible)
    damaged = {name: each for name, each in properties.items() if name != prop.name}
    damaged |= {} if value is DROPPED else {prop.name: value}
    return Damage(damaged, prop.name, frozenset({f"{SOURCE_COLUMNS}.{prop.column.lower()}"}))


DROPPED = object()


def text_altered(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: altered(random, value) if prop.type in ("text", "text[]") else None
    )


def identity_altered(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: uuid_altered(random, value) if prop.type == "uuid" and value else None
    )


def bytes_altered(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: blob_altered(random, value) if prop.type == "blob" and value else None
    )


def item_altered(random: Random, properties: Properties) -> Damage | None:
    wanted = ("int[]", "number[]", "boolean[]")
    return of_property(
        random, properties, lambda prop, value: altered(random, value) if prop.type in wanted and value else None
    )


def item_moved(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random,
        properties,
        lambda prop, value: date_of_list_moved(random, value) if prop.type == "date[]" and value else None,
    )


def number_altered(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: altered(random, value) if prop.type in ("int", "number") else None
    )


def boolean_flipped(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: altered(random, value) if prop.type == "boolean" else None
    )


def date_moved(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: a_microsecond_off(value) if prop.type == "date" and value else None
    )


def list_reordered(random: Random, properties: Properties) -> Damage | None:
    return of_property(
        random, properties, lambda prop, value: value[::-1] if prop.type.endswith("[]") and value else None
    )


def property_dropped(random: Random, properties: Properties) -> Damage | None:
    return of_property(random, properties, lambda _, value: DROPPED if value not in (None, "", []) else None)


def empty_dropped(random: Random, properties: Properties) -> Damage | None:
    return of_property(random, properties, lambda _, value: DROPPED if value in ("", []) else None)


def emptied(random: Random, properties: Properties) -> Damage | None:
    empty = {"text": "", "int": 0, "number": 0.0, "boolean": False, "date": "0001-01-01T00:00:00Z"}
    empty |= {"uuid": str(UUID(int=0)), "blob": "AA=="}
    return of_property(random, properties, lambda prop, value: empty.get(prop.type, []) if value is None else None)


def of_provenance(properties: Properties, name: str, value: Any, *, named: str = "") -> Damage:
    damaged = deepcopy(properties)
    damaged[NOTES.provenance][name] = value
    return Damage(damaged, named or f"{NOTES.provenance}.{name}")


def origin_altered(random: Random, properties: Properties) -> Damage:
    return of_provenance(properties, "original_id", one_bit_off(random, properties[NOTES.provenance]["original_id"]))


def timestamp_altered(_: Random, properties: Properties) -> Damage:
    moved = a_microsecond_off(properties[NOTES.provenance]["migration_timestamp"])
    return of_provenance(properties, "migration_timestamp", moved)


def not_from_sqlite(_: Random, properties: Properties) -> Damage:
    return of_provenance(properties, "migrated_from_sqlite", False)


def source_columns_altered(random: Random, properties: Properties) -> Damage | None:
    """The value of one column is another one."""
    held: dict[str, Any] = json.loads(properties[NOTES.provenance]["source_columns"])
    column = random.choice(list(held))
    if isinstance(held[column], dict):
        held[column] = {"base64": "AAAA"}
    else:
        held[column] = "not NULL" if held[column] is None else random.choice([None, altered(random, held[column])])
    return of_provenance(properties, "source_columns", json.dumps(held), named=f"{SOURCE_COLUMNS}.{column}")


def source_column_lost(random: Random, properties: Properties) -> Damage | None:
    held: dict[str, Any] = json.loads(properties[NOTES.provenance]["source_columns"])
    column = random.choice([name for name, value in held.items() if value is not None] or [""])
    if not column:
        return None
    del held[column]
    return of_provenance(properties, "source_columns", json.dumps(held), named=f"{SOURCE_COLUMNS}.{column}")


def source_column_added(random: Random, properties: Properties) -> Damage:
    """What is no column of the row: one that was left out, say."""
    held: dict[str, Any] = json.loads(properties[NOTES.provenance]["source_columns"])
    held["password"] = random.choice([None, 1, "secret", {"base64": "AAAA"}])
    return of_provenance(properties, "source_columns", json.dumps(held), named=f"{SOURCE_COLUMNS}.password")


def source_columns_unreadable(random: Random, properties: Properties) -> Damage:
    text = properties[NOTES.provenance]["source_columns"]
    return of_provenance(properties, "source_columns", text[: random.randrange(1, len(text))])


DAMAGES: list[Callable[[Random, Properties], Damage | None]] = [
    *(text_altered, number_altered, boolean_flipped, date_moved, list_reordered),
    *(identity_altered, bytes_altered, item_altered, item_moved),
    *(property_dropped, empty_dropped, emptied),
    *(origin_altered, timestamp_altered, not_from_sqlite),
    *(source_columns_altered, source_column_lost, source_column_added, source_columns_unreadable),
]


class Target:
    """The migrated collection, of which one partition at a time is compared."""

    def __init__(self, migration: SmallMigration, drafts: list[ObjectDraft]) -> None:
        self.data = migration.collection.data
        self.drafts = drafts
        self._bounds = migration.bounds
        self._proof = migration.proof

    def differences(self, uuid: str) -> list[tuple[str, str, str | None, str]]:
        """What is found in the partition of this UUID: kind, key, UUID and property."""
        compared = self._proof.compare_partition(PARTITION_KEYS[bisect_right(self._bounds, uuid)])
        return [(each.kind, each.key, each.uuid, each.property) for each in compared.differences]


def damage_one(target: Target, random: Random, damage: Callable[[Random, Properties], Damage | None]) -> None:
    """Damages an object, looks for it, and restores it. Not every damage can be done to every object."""
    made = None
    while made is None:
        draft = random.choice(target.drafts)
        made = damage(random, deepcopy(draft.properties))
    target.data.replace(draft.uuid, made.properties)
    found = target.differences(draft.uuid)
    target.data.replace(draft.uuid, draft.properties)
    assert {each[:3] for each in found} == {("altered", draft.key, draft.uuid)}, (draft, made)
    properties = {each[3] for each in found}
    assert made.named in properties <= {made.named} | made.allowed, (draft, made)
    assert len(properties) == len(found)


def remove_one(target: Target, random: Random) -> None:
    draft = random.choice(target.drafts)
    target.data.delete_by_id(draft.uuid)
    found = target.differences(draft.uuid)
    target.data.insert(draft.properties, uuid=draft.uuid)
    assert found == [("missing", draft.key, draft.uuid, "")]


def add_one(target: Target, random: Random, properties: Properties, key: str) -> None:
    uuid = str(UUID(int=random.getrandbits(128)))
    target.data.insert(properties, uuid=uuid)
    found = target.differences(uuid)
    target.data.delete_by_id(uuid)
    assert found == [("extra", key, uuid, "")]


def duplicate_one(target: Target, random: Random) -> None:
    draft = random.choice(target.drafts)
    add_one(target, random, draft.properties, draft.key)


def add_a_foreign_one(target: Target, random: Random) -> None:
    add_one(target, random, {"noteId": "foreign"}, "")


@pytest.mark.parametrize("seed", [20261122])
def test_each_of_hundreds_of_mutations_is_found(client: weaviate.WeaviateClient, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    made_from = rows(random)
    migration = SmallMigration.begin(tmp_path, client, made_from)
    assert migration.load().written == ROWS
    assert all(each.passed for each in migration.compare_all())
    target = Target(migration, drafts_of(made_from))
    for _ in range(OF_EACH_KIND):
        for damage in DAMAGES:
            damage_one(target, random, damage)
        for whole in (remove_one, duplicate_one, add_a_foreign_one):
            whole(target, random)
    assert all(each.passed for each in migration.compare_all())


def drafts_of(made_from: list[tuple[SqlValue, ...]]) -> list[ObjectDraft]:
    """The objects as they were written."""
    convert = row_converter(NOTES, COLUMNS, BEGAN)
    return [convert(object_uuid("notes", row[:1]) or "", key_text(row[:1]), row) for row in made_from]
