import random
import uuid
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, MAX_PARTITIONS, partition_keys
from weaviate_migration.mapping.object_ids import UuidRange
from weaviate_migration.phases.history.extract import partitions as partitions_module
from weaviate_migration.phases.history.extract.partitions import (
    covering_range,
    cut_into_partitions,
    partition_bounds,
    partition_of,
    partition_range,
)
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout, decode
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

LAYOUT = RowLayout("notes", ("id",), ("id",))
EVEN = partition_bounds([], DEFAULT_PARTITIONS)
UUIDS = st.uuids().map(str) | st.sampled_from(EVEN)


def row_of(uuid_text: str | None) -> ExtractRow:
    return ExtractRow(uuid_text, (uuid_text,), (uuid_text,))


def cut(
    uuids: Sequence[str | None], bounds: Sequence[str] = EVEN, partitions: Sequence[str] = PARTITION_KEYS
) -> dict[str, list[str | None]]:
    ordered = sorted(uuids, key=lambda each: each or "")
    return {
        stream.partition: [row.uuid for batch in stream.batches for row in decode(batch)]
        for stream in cut_into_partitions(map(row_of, ordered), LAYOUT, bounds, partitions)
    }


def holds(uuid_range: UuidRange, each: str) -> bool:
    return (uuid_range.low or "") <= each and (uuid_range.high is None or each < uuid_range.high)


@given(st.lists(UUIDS, max_size=40), st.none() | st.lists(UUIDS, min_size=15, max_size=15).map(sorted))
def test_each_row_is_in_the_one_partition_whose_range_holds_it(uuids: list[str], quantiles: list[str] | None) -> None:
    bounds = partition_bounds(quantiles or [], DEFAULT_PARTITIONS)
    found = cut(uuids, bounds)
    assert list(found) == list(PARTITION_KEYS)
    assert [each for rows in found.values() for each in rows] == sorted(uuids)
    for partition, rows in found.items():
        held = [each for each in uuids if holds(partition_range(bounds, partition), each)]
        assert sorted(held) == rows


def test_ranges_leave_no_gap_and_cover_everything() -> None:
    ranges = [partition_range(EVEN, partition) for partition in PARTITION_KEYS]
    assert ranges[0].low is None
    assert ranges[-1].high is None
    assert [each.high for each in ranges[:-1]] == [each.low for each in ranges[1:]]


NUMBERS = [1, 2, 3, 16, 100, 101, 1000, MAX_PARTITIONS]


@pytest.mark.parametrize("partitions", NUMBERS)
def test_keys_sort_as_their_numbers_do(partitions: int) -> None:
    keys = partition_keys(partitions)
    assert list(map(int, keys)) == list(range(partitions))
    assert list(keys) == sorted(keys)
    assert {len(each) for each in keys} == {2 if partitions <= 100 else 4}


@pytest.mark.parametrize("partitions", NUMBERS)
def test_even_ranges_of_any_number_of_partitions(partitions: int) -> None:
    bounds, keys = partition_bounds([], partitions), partition_keys(partitions)
    sizes = [
        int(uuid.UUID(each.high).int if each.high else 2**128) - (uuid.UUID(each.low).int if each.low else 0)
        for each in (partition_range(bounds, key) for key in keys)
    ]
    assert sum(sizes) == 2**128
    assert max(sizes) - min(sizes) <= 1
    with pytest.raises(ValueError, match="not in tuple"):
        partition_range(bounds, f"{partitions:0{len(keys[0])}}")


@pytest.mark.parametrize("partitions", NUMBERS)
def test_even_ranges_of_tenants(partitions: int) -> None:
    bounds = partition_bounds([], partitions, has_tenants=True)
    assert len(bounds) == partitions - 1
    assert list(bounds) == sorted(set(bounds))


def test_even_ranges_of_sixteen_are_those_of_migrations_that_older_versions_began() -> None:
    rest = "0000000-0000-0000-0000-000000000000"
    assert tuple(f"{digit}{rest}" for digit in "123456789abcdef") == EVEN
    characters = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    bounds = partition_bounds([], DEFAULT_PARTITIONS, has_tenants=True)
    assert bounds == tuple(f"{each} 0{rest}" for each in characters[4::4])


@given(st.lists(UUIDS, max_size=40), st.sampled_from(NUMBERS), st.data())
def test_rows_are_cut_into_any_number_of_partitions(uuids: list[str], partitions: int, data: st.DataObject) -> None:
    keys, bounds = partition_keys(partitions), partition_bounds([], partitions)
    found = cut(uuids, bounds, keys)
    assert list(found) == list(keys)
    assert [each for rows in found.values() for each in rows] == sorted(uuids)
    assert all(partition_of(each, bounds) == key for key, rows in found.items() for each in rows)
    first, last = sorted(data.draw(st.tuples(st.sampled_from(keys), st.sampled_from(keys))))
    chosen = keys[keys.index(first) : keys.index(last) + 1]
    assert cut(uuids, bounds, chosen) == {key: found[key] for key in chosen}
    within = covering_range(bounds, chosen)
    assert [each for key in chosen for each in found[key]] == sorted(each for each in uuids if holds(within, each))


def test_rows_without_a_uuid_are_in_the_first_partition() -> None:
    found = cut([None, "f" * 8 + "-0000-0000-0000-000000000000", None])
    assert found["00"] == [None, None]
    assert len(found["15"]) == 1


@given(st.lists(UUIDS, max_size=30), st.lists(st.sampled_from(PARTITION_KEYS), unique=True, min_size=1).map(sorted))
def test_partitions_that_are_not_asked_for_are_left_out(uuids: list[str], wanted: list[str]) -> None:
    assert cut(uuids, partitions=wanted) == {key: rows for key, rows in cut(uuids).items() if key in wanted}


def test_a_stream_that_nobody_read_does_not_shift_the_next() -> None:
    rows = map(row_of, sorted(str(uuid.UUID(int=random.getrandbits(128))) for _ in range(500)))
    last = list(cut_into_partitions(rows, LAYOUT, EVEN, PARTITION_KEYS))[-1]
    assert all((row.uuid or "") >= EVEN[-1] for batch in last.batches for row in decode(batch))


def test_the_covering_range_goes_from_the_first_to_the_last() -> None:
    assert covering_range(EVEN, PARTITION_KEYS) == UuidRange(None, None)
    assert covering_range(EVEN, ["03", "04", "05"]) == UuidRange(EVEN[2], EVEN[5])
    assert covering_range(EVEN, ["15"]) == UuidRange(EVEN[14], None)


def test_record_batches_are_bounded_in_rows_and_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions_module, "BATCH_ROWS", 10)
    monkeypatch.setattr(partitions_module, "BATCH_SIZE", 1000)
    layout = RowLayout("notes", ("body",), ("body",))
    sizes = [1] * 25 + [400] * 5 + [5000] + [1]
    rows = [ExtractRow(f"{number:08x}", ("x",), ("x" * size,)) for number, size in enumerate(sizes)]
    first = next(cut_into_partitions(iter(rows), layout, EVEN, PARTITION_KEYS))
    assert [batch.num_rows for batch in first.batches] == [10, 10, 8, 3, 1]
