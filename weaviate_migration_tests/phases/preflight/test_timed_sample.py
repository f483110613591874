"""How long a migration would take, from given samples."""

import pytest

from weaviate_migration.phases.preflight.timed_sample import (
    COLLECTION_SECONDS,
    FIXED_SECONDS,
    WHOLE_WAY,
    TimedSample,
    expected_seconds,
)


def test_a_sample_is_carried_over_to_all_rows_of_its_table() -> None:
    sample = TimedSample("Message", rows=100_000, sampled=500, refused=0, seconds=0.25)
    assert sample.per_second == 2000
    assert sample.expected_seconds == pytest.approx(WHOLE_WAY * 50)


def test_a_collection_has_its_price_however_few_rows_it_has() -> None:
    sample = TimedSample("Note", rows=25, sampled=25, refused=0, seconds=0.05)
    one, forty = expected_seconds(1, [sample]), expected_seconds(40, [sample] * 40)
    assert one == pytest.approx(FIXED_SECONDS + COLLECTION_SECONDS + WHOLE_WAY * 0.05)
    assert forty - one == pytest.approx(39 * (COLLECTION_SECONDS + WHOLE_WAY * 0.05))


def test_the_collections_of_empty_tables_count_too() -> None:
    sample = TimedSample("Note", rows=25, sampled=25, refused=0, seconds=0.05)
    assert expected_seconds(6, [sample]) - expected_seconds(1, [sample]) == pytest.approx(5 * COLLECTION_SECONDS)
