"""What happens to a migration on several machines, step by step."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tenacity import RetryCallState, retry, retry_if_result, stop_after_delay

from weaviate_migration_tests.cluster.celery_worker import CeleryWorker
from weaviate_migration_tests.cluster.program import Program
from weaviate_migration_tests.cluster.scenario import LONGEST_COMMAND_SECONDS, ClusterMigration

MOMENTS = 0.1, 0.4
"""Shares of the rows that are loaded when a worker dies, and when a node does.

The lost range has half of the rows at most, and waits for a minute.
"""
BEFORE_THE_FIRST_ROW = 0.0, 0.0
CATCH_UP_SECONDS = 300
"""A node that is back had 11,000 missed objects a minute later (measured)."""

Say = Callable[[str], None]
"""Takes one line about what has happened."""


def timed_say() -> Say:
    """Prints lines, each with the seconds since now."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    return say


class Outcome(NamedTuple):
    """What a migration has come to.

    Attributes:
        transactions: of the application meanwhile.
        lost_runs: those that were given up, and done by another one.
        differences: between the file and each node, at the end.
    """

    transactions: int
    lost_runs: int
    differences: list[str]


def take_course(migration: ClusterMigration, say: Say, *, is_short: bool = False) -> Outcome:
    """Migrates while the application is in use; a worker and a node die while rows are loaded, and come back.

    Args:
        is_short: `migrate` and `sync` are all that is run, and no row is loaded before both have died. So few rows may
            do: there is no moment that could slip past.

    Raises:
        AssertionError: a command failed, or the application did.
    """
    if is_short:
        migration.hold_loads()
    else:
        migration.run("preflight")
    migration.start_writers()
    say("the writers write, and the migration begins")
    with migration.migrating("--cutover" if is_short else "--no-cutover") as migrate:
        _lose_machines(migration, migrate, BEFORE_THE_FIRST_ROW if is_short else MOMENTS, say)
        code = migrate.end_within(LONGEST_COMMAND_SECONDS)
        assert code == 0, migrate.fate
    say(f"migrated; runs begun again: {migration.progress.lost_runs()}")
    if not is_short:
        migration.run("cutover")
    say("readers are switched")
    transactions = migration.stop_writers()
    say(f"the writers have ended after {transactions} transactions")
    migration.run("sync")
    say("the last changes are applied")
    if not is_short:
        migration.run("verify")
        say("verified")
    # Seen once: a map that two threads used ended Weaviate 1.39.0 while it sent objects to the node that came back.
    for name in migration.servers.nodes.start_those_that_are_gone():
        say(f"the node {name} had ended by itself, and is back")
    differences = [
        f"node {number}: {line}"
        for number in range(len(migration.servers.nodes.nodes))
        for line in _lasting_differences(migration, number)
    ]
    say(f"each node is compared with the file: {len(differences)} differences")
    return Outcome(transactions, migration.progress.lost_runs(), differences)


def _lose_machines(migration: ClusterMigration, migrate: Program, moments: tuple[float, float], say: Say) -> None:
    """They are back as soon as the migration has noticed that a worker is lost."""
    worker_dies_at, node_dies_at = (share * migration.rows for share in moments)
    worker = _kill_worker(migration, migrate, worker_dies_at)
    say(f"the worker {worker.name} is killed at its load: {migration.progress.loaded_rows()} rows are loaded")
    node = migration.servers.nodes.nodes[0]  # The one that the commands ask first.
    migration.await_moment(migrate, lambda: migration.progress.loaded_rows() >= node_dies_at)
    node.kill()
    say(f"the first node is killed: {migration.progress.loaded_rows()} rows are loaded")
    migration.release_loads()
    migration.await_moment(migrate, lambda: migration.progress.lost_runs() > 0)
    say(f"the worker is missed: {migration.progress.loaded_rows()} rows are loaded")
    worker.start()
    back = migration.servers.nodes.start_those_that_are_gone()
    say(f"back are {worker.name} and {', '.join(back)}")


def _kill_worker(migration: ClusterMigration, migrate: Program, rows: float) -> CeleryWorker:
    """One that loads a range, once so many rows are loaded."""
    killed: list[CeleryWorker] = []

    def is_killed() -> bool:
        if migration.progress.loaded_rows() >= rows:
            killed.extend(filter(None, [migration.kill_a_worker_that_loads()]))
        return bool(killed)

    migration.await_moment(migrate, is_killed)
    return killed[0]


def _last_result(state: RetryCallState) -> list[str]:
    assert state.outcome is not None
    found: list[str] = state.outcome.result()
    return found


@retry(retry=retry_if_result(bool), stop=stop_after_delay(CATCH_UP_SECONDS), retry_error_callback=_last_result)
def _lasting_differences(migration: ClusterMigration, node: int) -> list[str]:
    """What a node does not have as the file has it; what it has missed comes to it by and by, from the others."""
    return migration.differences(node)
