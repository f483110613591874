"""What happens to a migration on several machines, step by step."""

from collections.abc import Callable
from typing import NamedTuple

from tenacity import RetryCallState, retry, retry_if_result, stop_after_delay

from weaviate_migration_tests.cluster.celery_worker import CeleryWorker
from weaviate_migration_tests.cluster.program import Program
from weaviate_migration_tests.cluster.scenario import LONGEST_COMMAND_SECONDS, ClusterMigration

WORKER_DIES_AT, NODE_DIES_AT = 0.1, 0.4
"""Shares of the rows that are loaded then. The lost range has half of them at most, and waits for a minute."""
CATCH_UP_SECONDS = 300
"""A node that is back had 11,000 missed objects a minute later (measured)."""

Say = Callable[[str], None]
"""Takes one line about what has happened."""


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


def take_course(migration: ClusterMigration, say: Say) -> Outcome:
    """Migrates while the application is in use; a worker and a node die while rows are loaded, and come back.

    Raises:
        AssertionError: a command failed, or the application did.
    """
    migration.run("preflight")
    migration.start_writers()
    say("the writers write, and the migration begins")
    with migration.migrating() as migrate:
        _lose_machines(migration, migrate, say)
        code = migrate.end_within(LONGEST_COMMAND_SECONDS)
        assert code == 0, migrate.fate
    say(f"migrated; runs begun again: {migration.progress.lost_runs()}")
    migration.run("cutover")
    say("readers are switched")
    transactions = migration.stop_writers()
    say(f"the writers have ended after {transactions} transactions")
    migration.run("sync")
    say("the last changes are applied")
    migration.run("verify")
    say("verified")
    differences = [
        f"node {number}: {line}"
        for number in range(len(migration.servers.nodes.nodes))
        for line in _lasting_differences(migration, number)
    ]
    say(f"each node is compared with the file: {len(differences)} differences")
    return Outcome(transactions, migration.progress.lost_runs(), differences)


def _lose_machines(migration: ClusterMigration, migrate: Program, say: Say) -> None:
    """They are back as soon as the migration has noticed that a worker is lost."""
    worker = _kill_worker(migration, migrate)
    say(f"the worker {worker.name} is killed at its load: {migration.progress.loaded_rows()} rows are loaded")
    node = migration.servers.nodes.nodes[0]  # The one that the commands ask first.
    migration.await_moment(migrate, lambda: migration.progress.loaded_rows() >= NODE_DIES_AT * migration.rows)
    node.kill()
    say(f"the first node is killed: {migration.progress.loaded_rows()} rows are loaded")
    migration.await_moment(migrate, lambda: migration.progress.lost_runs() > 0)
    say(f"the worker is missed: {migration.progress.loaded_rows()} rows are loaded")
    worker.start()
    node.start()
    say("worker and node are back")


def _kill_worker(migration: ClusterMigration, migrate: Program) -> CeleryWorker:
    killed: list[CeleryWorker] = []

    def is_killed() -> bool:
        if migration.progress.loaded_rows() >= WORKER_DIES_AT * migration.rows:
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
