"""The merge of both sides, and what is counted of it; objects are as the client returns them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.object_ids import address
from weaviate_migration.mapping.property_mapping import TenantMapping
from weaviate_migration.mapping.row_to_object import row_converter
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns, RowLayout
from weaviate_migration.phases.validation.differences import SHOWN_DIFFERENCES
from weaviate_migration.phases.validation.partition_comparison import PartitionComparison
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.phases.validation.verdicts import Agreement, PartitionTally, judge_objects
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration_tests.strategies import as_client_returns

BEGAN = "2026-11-22T09:30:15Z"
MAPPING = CollectionMapping(
    name="Note", table="notes", properties=(PropertyMapping(name="body", column="body", index="words"),)
)
LAYOUT = RowLayout("notes", ("id", "body", "size"), ("id",))
COMPARER = RowComparer(MAPPING, LAYOUT, BEGAN)
NUMBERS = st.sets(st.integers(0, 40))


def uuid_of(number: int) -> str:
    return str(UUID(int=number << 96))


def row_of(number: int) -> ExtractRow:
    return ExtractRow(uuid_of(number), (uuid_of(number),), (uuid_of(number), f"body {number}", number))


def object_of(number: int) -> StoredObject:
    row = row_of(number)
    draft = row_converter(MAPPING, LAYOUT.columns, BEGAN)(uuid_of(number), uuid_of(number), row.values)
    return StoredObject(uuid_of(number), as_client_returns(MAPPING, draft), {})


def compare(rows: Iterable[tuple[ExtractRow, str | None]], objects: Iterable[StoredObject]) -> PartitionComparison:
    return PartitionTally(COMPARER, "Note", "07").count(judge_objects(COMPARER, rows, objects))


def altered(number: int, **properties: Any) -> StoredObject:
    found = object_of(number)
    return found._replace(properties={**found.properties, **properties})


@given(NUMBERS, NUMBERS, NUMBERS)
def test_each_row_and_each_object_counts_once(rows: set[int], objects: set[int], changed: set[int]) -> None:
    stored = [altered(each, body="other") if each in changed else object_of(each) for each in sorted(objects)]
    found = compare(((row_of(each), None) for each in sorted(rows)), stored)
    assert (found.rows, found.objects) == (len(rows), len(objects))
    assert (found.missing, found.extra) == (len(rows - objects), len(objects - rows))
    assert found.altered == len(rows & objects & changed)
    assert found.passed == (rows == objects and not rows & changed)
    expected = {(uuid_of(each), "missing") for each in rows - objects}
    expected |= {(uuid_of(each), "extra") for each in objects - rows}
    expected |= {(uuid_of(each), "altered") for each in rows & objects & changed}
    assert {(each.uuid, each.kind) for each in found.differences} == expected
    assert (found.source_digest == found.target_digest) == found.passed


def test_an_altered_object_is_told_property_by_property() -> None:
    found = compare([(row_of(3), None)], [altered(3, body="other", stranger=1)])
    assert found.altered == 1
    assert found.total == len(found.differences) == 3
    told = {each.property: (each.expected, each.found) for each in found.differences}
    assert told == {
        "body": ("'body 3'", "'other'"),
        "stranger": ("None", "1"),
        "metadata.source_columns.body": ("'body 3'", "'other'"),
    }
    assert {(each.collection, each.partition, each.key) for each in found.differences} == {("Note", "07", uuid_of(3))}


def test_a_row_that_was_refused_is_missing_and_its_object_is_extra() -> None:
    """Two rows of one key cannot become an object; one that is there says only what one of them says."""
    twice = [(row_of(3), "given twice"), (row_of(3), "given twice"), (row_of(4), None)]
    found = compare(twice, [object_of(3), object_of(4)])
    assert (found.missing, found.extra, found.altered, found.repeated_uuids) == (2, 1, 0, 1)
    assert [each.found for each in found.differences if each.kind == "missing"] == ["'given twice'"] * 2
    assert not found.passed


def test_rows_without_a_uuid_are_missing() -> None:
    without = ExtractRow(None, (None,), (None, "body", 1))
    found = compare([(without, "NULL"), (without, "NULL"), (row_of(1), None)], [object_of(1)])
    assert (found.rows, found.missing, found.extra) == (3, 2, 0)
    assert found.repeated_uuids == 0


def test_an_object_under_another_uuid_is_extra_and_its_uuid_does_not_follow() -> None:
    foreign = object_of(5)._replace(uuid=uuid_of(6))
    found = compare([(row_of(5), None)], [object_of(5), foreign])
    assert (found.extra, found.wrong_uuid_count) == (1, 1)
    assert found.wrong_uuids == [f"{uuid_of(5)}: {uuid_of(6)}"]
    (difference,) = found.differences
    assert (difference.key, difference.uuid, difference.expected) == (uuid_of(5), uuid_of(6), "None")


def test_an_object_that_comes_twice_is_counted() -> None:
    found = compare([(row_of(5), None)], [object_of(5), object_of(5)])
    assert (found.extra, found.repeated_uuids) == (1, 1)


def test_an_object_from_which_no_row_can_be_read() -> None:
    found = compare([(row_of(5), None)], [altered(5, metadata={"source_columns": "{"})])
    assert found.altered == 1
    assert "metadata.source_columns" in {each.property for each in found.differences}
    assert found.wrong_uuid_count == 1
    assert found.source_digest != found.target_digest


def test_values_of_another_type_are_counted() -> None:
    found = compare([(row_of(5), None), (row_of(6), None)], [altered(5, body=5), altered(6, body=6)])
    assert found.wrong_types == {"body": 2}


def test_all_differences_are_counted_and_the_first_kept() -> None:
    rows = SHOWN_DIFFERENCES + 7
    found = compare(((row_of(each), None) for each in range(rows)), [])
    assert found.total == found.missing == rows
    assert len(found.differences) == SHOWN_DIFFERENCES


def test_the_sentence_says_what_to_do() -> None:
    assert compare([(row_of(1), None)], [object_of(1)]).to_text().endswith("no difference.")
    text = compare([(row_of(1), None)], []).to_text()
    assert "1 missing, 0 extra, 0 altered" in text
    assert "verify --repair" in text


Places = set[tuple[str | None, int]]
WITH_TENANTS = MAPPING.model_copy(update={"tenant": TenantMapping(column="org", of_null="none")})
ORG_LAYOUT = RowLayout("notes", ("id", "body", "org"), ("id",))
ORG_COMPARER = RowComparer(WITH_TENANTS, ORG_LAYOUT, BEGAN)
PLACES = st.sets(st.tuples(st.sampled_from(["a", "a-", "b", None]), st.integers(0, 9)))


def placed_row(org: str | None, number: int) -> ExtractRow:
    own = uuid_of(number)
    return ExtractRow(address(org or "none", own), (own,), (own, f"body {number}", org))


def placed_object(org: str | None, number: int) -> StoredObject:
    row = placed_row(org, number)
    draft = row_converter(WITH_TENANTS, ORG_LAYOUT.columns, BEGAN)(str(row.uuid), uuid_of(number), row.values)
    return StoredObject(str(row.uuid), as_client_returns(WITH_TENANTS, draft), {})


def by_address(places: Places) -> list[tuple[str | None, int]]:
    return sorted(places, key=lambda each: placed_row(*each).uuid or "")


def compare_places(rows: Places, objects: Places) -> PartitionComparison:
    verdicts = judge_objects(
        ORG_COMPARER,
        ((placed_row(*each), None) for each in by_address(rows)),
        (placed_object(*each) for each in by_address(objects)),
    )
    return PartitionTally(ORG_COMPARER, "Note", "07").count(verdicts)


@given(PLACES, PLACES)
def test_each_tenant_is_counted_by_itself(rows: Places, objects: Places) -> None:
    """The same row in another tenant is missing here and extra there; what is whole in a tenant has its digest."""
    found = compare_places(rows, objects)
    for org in ("a", "a-", "b", None):
        own_rows, own_objects = ({each for each in side if each[0] == org} for side in (rows, objects))
        if not own_rows | own_objects:
            assert (org or "none") not in found.tenants
            continue
        of_tenant = found.tenants[org or "none"]
        assert (of_tenant.rows, of_tenant.objects) == (len(own_rows), len(own_objects))
        assert of_tenant.differences == len(own_rows ^ own_objects)
        assert (of_tenant.source_digest == of_tenant.target_digest) == (own_rows == own_objects)
        alone = compare_places(own_rows, own_objects)
        assert (of_tenant.source_digest, of_tenant.target_digest) == (alone.source_digest, alone.target_digest)
    assert sum(each.rows for each in found.tenants.values()) == found.rows
    assert sum(each.objects for each in found.tenants.values()) == found.objects
    assert sum(each.differences for each in found.tenants.values()) == found.total
    assert list(found.tenants) == sorted(found.tenants)


@given(PLACES)
def test_rows_that_agree_as_a_whole_count_as_their_verdicts_do(places: Places) -> None:
    rows = [placed_row(*each) for each in by_address(places)]
    columns = [list(column) for column in zip(*(row.values for row in rows), strict=True)] or [[], [], []]
    together = RowColumns([row.uuid for row in rows], [[row.key[0] for row in rows]], columns)
    assert PartitionTally(ORG_COMPARER, "Note", "07").count([Agreement(together)]) == compare_places(places, places)


def test_without_tenants_none_are_counted() -> None:
    assert compare([(row_of(1), None)], [object_of(1)]).tenants == {}
