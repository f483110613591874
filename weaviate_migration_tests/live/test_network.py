"""The network between fails, in each way and at each step: a command goes on, or the same one does; nothing is lost.

`make chaos` has each trouble at each step, and for longer; the tests have each trouble, and each step, once.
"""

import os
from collections.abc import Iterator

import pytest
import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.chaos.killing import Boundary
from weaviate_migration_tests.network.scenario import (
    ALIAS_MADE,
    ALIAS_MOVED,
    ALIAS_REMOVED,
    APPLYING,
    CLEANUP,
    COLLECTION_REMOVED,
    COMPARISON,
    CUTOVER,
    LOAD,
    MIGRATE,
    ROLLBACK,
    SYNC,
    Scenario,
)
from weaviate_migration_tests.network.toxiproxy import ToxicWay, run_toxiproxy
from weaviate_migration_tests.network.troubles import Trouble, TroubleAtStep, troubles

IN_FULL = "NETWORK_IN_FULL" in os.environ
TROUBLES = troubles(seconds=30 if IN_FULL else 3)
STEPS = ("load", "comparison", "sync", "cutover", "rollback", "cleanup")
# Which trouble the first step has; the next one has the next.
ROUNDS = range(len(TROUBLES) if IN_FULL else 1)


@pytest.fixture(scope="module")
def way(server: ServerAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToxicWay]:
    with run_toxiproxy(server, tmp_path_factory.mktemp("toxiproxy") / "log") as way:
        yield way


@pytest.fixture
def scenario(way: ToxicWay, client: weaviate.WeaviateClient, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return Scenario(tmp_path_factory.mktemp("network"), way, client)


@pytest.mark.timeout(3600 if IN_FULL else 600)
def test_each_command_comes_to_its_end(scenario: Scenario) -> None:
    for number in ROUNDS:
        of_step = {step: TROUBLES[(place + number) % len(TROUBLES)] for place, step in enumerate(STEPS)}
        go_through(scenario, of_step)


def go_through(scenario: Scenario, of_step: dict[str, Trouble]) -> None:
    """One migration from its beginning to the cleanup after it, with trouble in each of its commands."""

    def in_trouble(step: str, boundary: Boundary) -> TroubleAtStep:
        return TroubleAtStep(of_step[step], scenario.way, boundary)

    before = scenario.aliases
    scenario.complete(MIGRATE, in_trouble("load", LOAD))
    scenario.assert_copied(scenario.records[-1])
    scenario.complete(MIGRATE, in_trouble("comparison", COMPARISON))
    scenario.change()
    scenario.complete(SYNC, in_trouble("sync", APPLYING))
    scenario.assert_copied(scenario.records[-1])
    scenario.change()
    scenario.complete(CUTOVER, in_trouble("cutover", ALIAS_MOVED if before else ALIAS_MADE))
    assert scenario.aliases == scenario.records[-1].targets
    scenario.assert_copied(scenario.records[-1])
    scenario.complete(ROLLBACK, in_trouble("rollback", ALIAS_MOVED if before else ALIAS_REMOVED))
    assert scenario.aliases == before
    scenario.complete(MIGRATE)
    scenario.complete(CUTOVER)
    scenario.complete(CLEANUP, in_trouble("cleanup", COLLECTION_REMOVED))
    assert scenario.aliases == scenario.records[-1].targets
    scenario.assert_copied(scenario.records[-1])
    collections = weaviate_collections(scenario)
    assert collections == sorted(scenario.aliases.values())


def weaviate_collections(scenario: Scenario) -> list[str]:
    return sorted(scenario.client.collections.list_all())
