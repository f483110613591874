"""Killed anywhere, while the application writes on: every command goes on, and at the end nothing is lost or twice."""

import os
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from random import Random

import pytest

from weaviate_migration_tests.chaos import boundaries
from weaviate_migration_tests.chaos.killing import Boundary
from weaviate_migration_tests.chaos.scenario import (
    CLEANUP,
    CUTOVER,
    DISCARD,
    FOLLOW,
    MIGRATE,
    ROLLBACK,
    SYNC,
    Scenario,
    under_fire,
)

SEED = 20261123
# `make chaos` asks for more.
MOMENTS = int(os.environ.get("CHAOS_MOMENTS", "3"))


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory, static_model: Path) -> Iterator[Scenario]:
    """One for all tests: they go on with what the one before has left, and each works by itself, too."""
    with under_fire(tmp_path_factory.mktemp("chaos"), SEED, static_model) as scenario:
        yield scenario


@pytest.mark.parametrize("boundary", boundaries.MIGRATE, ids=str)
def test_migrate_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(MIGRATE, boundary)


def test_migrate_goes_on(scenario: Scenario) -> None:
    scenario.complete(MIGRATE)


@pytest.mark.parametrize("boundary", boundaries.FOLLOW, ids=str)
def test_follow_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(FOLLOW, boundary)


@pytest.mark.parametrize("boundary", boundaries.SYNC, ids=str)
def test_sync_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(SYNC, boundary)


def test_sync_goes_on(scenario: Scenario) -> None:
    scenario.assert_sync_loses_nothing()


@pytest.mark.parametrize("boundary", boundaries.CUTOVER, ids=str)
def test_cutover_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(CUTOVER, boundary)


def test_cutover_goes_on(scenario: Scenario) -> None:
    scenario.complete(CUTOVER)
    scenario.assert_sync_loses_nothing()


@pytest.mark.parametrize("boundary", boundaries.ROLLBACK, ids=str)
def test_rollback_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(ROLLBACK, boundary)


def test_rollback_goes_on(scenario: Scenario) -> None:
    scenario.complete(ROLLBACK)
    scenario.kill_at(MIGRATE, boundaries.COLLECTIONS_MADE)


@pytest.mark.parametrize("boundary", boundaries.DISCARD, ids=str)
def test_rollback_with_discard_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(DISCARD, boundary)


def test_rollback_with_discard_goes_on(scenario: Scenario) -> None:
    scenario.complete(DISCARD)


@pytest.mark.parametrize("seed", range(SEED, SEED + MOMENTS))
def test_killed_at_a_random_moment(scenario: Scenario, seed: int) -> None:
    scenario.kill_at_random(Random(seed))
    if scenario.is_followed:
        scenario.assert_sync_loses_nothing()


@pytest.mark.parametrize("seed", range(SEED, SEED + ceil(MOMENTS / 5)))
def test_server_killed_at_a_random_moment(scenario: Scenario, seed: int) -> None:
    scenario.kill_server_at_random(Random(seed))
    if scenario.is_followed:
        scenario.assert_sync_loses_nothing()


def test_nothing_was_lost(scenario: Scenario) -> None:
    # A second time where nothing older is left for the tests of cleanup.
    for _ in range(1 if scenario.has_older_version else 2):
        scenario.complete(MIGRATE)
        scenario.complete(CUTOVER)
    scenario.writers.kill_all()
    scenario.complete(SYNC)
    scenario.assert_nothing_was_lost()


@pytest.mark.parametrize("boundary", boundaries.CLEANUP, ids=str)
def test_cleanup_is_killed(scenario: Scenario, boundary: Boundary) -> None:
    scenario.kill_at(CLEANUP, boundary)


def test_cleanup_goes_on(scenario: Scenario) -> None:
    scenario.complete(CLEANUP)
    scenario.assert_nothing_is_left()
