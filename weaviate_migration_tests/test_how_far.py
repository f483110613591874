"""What the page on how far a migration carries says is what its script computes, and that makes sense."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.how_far import (
    NODES,
    PAGE,
    ROWS,
    WORKERS,
    Case,
    Forecast,
    costs,
    forecasts,
    page_text,
    page_with,
    prices,
)
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS, MAX_PARTITIONS

FORECASTS = forecasts()
POSSIBLE = [each for each in FORECASTS if each.node is not None]


def test_the_page_says_what_is_computed() -> None:
    assert page_with(page_text()) == PAGE.read_text(encoding="utf-8"), "run `python -m benchmarks.how_far`"


def test_the_page_has_every_case() -> None:
    assert {(each.case.rows, each.case.workers, each.case.nodes) for each in FORECASTS} == {
        (rows, workers, nodes) for rows in ROWS for workers in WORKERS for nodes in NODES
    }
    assert len({each.case for each in FORECASTS}) == len(FORECASTS) == 36


@pytest.mark.parametrize(
    ("rows", "workers", "partitions"),
    [
        (1, 1, DEFAULT_PARTITIONS),
        (1_000_000, 1, DEFAULT_PARTITIONS),
        (16_000_001, 1, 32),
        (1_000_000, 8, 32),
        (100_000_000, 8, 128),
        (100_000_000, 64, 256),
        (1_000_000_000, 64, MAX_PARTITIONS),
        (10**12, 64, MAX_PARTITIONS),
    ],
)
def test_partitions_to_take(rows: int, workers: int, partitions: int) -> None:
    assert Case(rows, False, 1, workers).partitions == partitions


@pytest.mark.parametrize("each", POSSIBLE, ids=lambda each: str(each.case))
def test_time_is_that_of_all_stages_and_the_limit_is_the_longest(each: Forecast) -> None:
    waited = dict.fromkeys((stage.limit for stage in each.stages()), 0.0)
    for stage in each.stages():
        assert stage.seconds > 0
        waited[stage.limit] += stage.seconds
    assert sum(waited.values()) == pytest.approx(each.seconds)
    assert waited[each.limit] == max(waited.values())


@pytest.mark.parametrize("each", POSSIBLE, ids=lambda each: str(each.case))
def test_more_of_anything_is_no_better_where_it_should_be_worse(each: Forecast) -> None:
    more_rows = replace(each, case=replace(each.case, rows=2 * each.case.rows))
    if more_rows.node == each.node:
        assert more_rows.seconds > each.seconds
        assert more_rows.usd > each.usd
    assert more_rows.node_disk_gb == pytest.approx(2 * each.node_disk_gb)


def test_workers_share_what_is_theirs() -> None:
    """Within one machine nothing is copied: two take half of what one takes, but for the source and Weaviate."""
    one = Forecast(Case(100_000_000, False, 12, 1), costs(), prices())
    two = replace(one, case=replace(one.case, workers=2))
    of_workers = [sum(each.seconds for each in found.stages() if each.limit == "workers") for found in (one, two)]
    assert of_workers[1] <= of_workers[0] / 2 * 1.001
    assert two.seconds < one.seconds


def test_a_node_has_the_memory_that_it_needs() -> None:
    machines = prices().nodes
    assert all(small.memory_gb < large.memory_gb for small, large in pairwise(machines))
    for each in FORECASTS:
        fitting = [machine for machine in machines if machine.memory_gb >= each.node_memory_gb]
        assert each.node == (fitting[0] if fitting else None)
    vectors = [each for each in FORECASTS if each.case.vectors and each.case.rows == 1_000_000_000]
    assert {each.case.nodes: each.node is not None for each in vectors} == {1: False, 12: True}


def test_prices_say_where_they_are_from() -> None:
    assert "https://" in prices().source
    assert prices().source in PAGE.read_text(encoding="utf-8")


def test_a_page_without_a_place_for_the_tables_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n", encoding="utf-8")
    monkeypatch.setattr("benchmarks.how_far.PAGE", page)
    with pytest.raises(ValueError, match="has 0 places"):
        page_with("x")
