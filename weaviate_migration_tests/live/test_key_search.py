"""Keys that properties of any type hold: a filter by them finds the object, or nothing is searched for."""

from pathlib import Path
from uuid import UUID

import pytest
import weaviate

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.search import compare_search
from weaviate_migration_tests.live.small_migration import NOTES, SmallMigration, row

PROPERTIES: list[dict[str, object]] = [
    {"type": "text", "index": "whole"},
    {"type": "int"},
    {"type": "number"},
    {"type": "number", "decimal": "text"},
    {"type": "number", "decimal": {"scale": 2}},
    {"type": "boolean"},
    {"type": "boolean", "values": {"true": ["key"], "false": [7]}},
    {"type": "date"},
    {"type": "date", "date_format": "epoch_seconds"},
    {"type": "date", "date_format": "%d/%m/%Y"},
    {"type": "uuid"},
    {"type": "int[]"},
    {"type": "date[]"},
]
NAMES = [f"key{number}" for number in range(len(PROPERTIES))]
UUID_KEY = str(UUID(int=10))
SEARCHED: dict[SqlValue, set[str]] = {
    "key": {"text"},
    "7.50": {"text"},
    "2026-01-02": {"text"},
    "02/01/2026": {"text"},
    UUID_KEY: {"text", "uuid"},
    UUID_KEY.replace("-", ""): {"text"},
    "[1]": {"text"},
    '["2026-01-02 03:04:05"]': {"text"},
    0: {"int", "number"},
    1: {"int", "number"},
    7: {"int", "number"},
    7.5: {"number"},
}


@pytest.fixture(scope="module")
def mapping() -> CollectionMapping:
    properties = [
        PropertyMapping.model_validate({"name": name, "column": "id", **fields})
        for name, fields in zip(NAMES, PROPERTIES, strict=True)
    ]
    return NOTES.model_copy(update={"properties": (*NOTES.properties, *properties)})


def test_a_key_is_searched_for_as_its_property_holds_it(
    tmp_path: Path, client: weaviate.WeaviateClient, mapping: CollectionMapping
) -> None:
    migration = SmallMigration.begin(tmp_path, client, map(row, SEARCHED), mapping)
    assert migration.load().written == len(SEARCHED)
    type_of = dict(zip(NAMES, (str(fields["type"]) for fields in PROPERTIES), strict=True))
    for extract in migration.extracts.values():
        for each in extract.extract_rows():
            found = compare_search(mapping, migration.comparer.layout, [each], migration.collection, None)
            assert found.passed, found.to_text()
            names = [search.partition(" = ")[0] for search in found.searches]
            assert {type_of[name] for name in names if name in type_of} == SEARCHED[each.key[0]]
