"""What happens to a migration on several machines, step by step."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tenacity import RetryCallState, retry, retry_if_result, stop_after_delay

from weaviate_migration_tests.cluster.scenario import ClusterMigration

LONGEST_MIGRATION_SECONDS = 3600
CATCH_UP_SECONDS = 300
"""A node that is back had 11,000 missed objects a minute later (measured)."""

Say = Callable[[str], None]
"""Takes one line about what has happened."""


class Machine(Protocol):
    """What can be killed, and come back."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


class Death(NamedTuple):
    """A machine is killed while rows are loaded.

    Attributes:
        share: of the rows that are in Weaviate then.
    """

    share: float
    name: str
    machine: Machine


def take_course(migration: ClusterMigration, deaths: Sequence[Death], say: Say) -> list[str]:
    """Migrates while the application is in use and machines die; they are back after readers were switched.

    Returns:
        What differs at the end from what the file has, of each node.

    Raises:
        AssertionError: a command failed.
    """
    migration.run("preflight")
    migration.start_writers()
    say("the writers write, and the migration begins")
    _migrate(migration, deaths, say)
    migration.run("cutover")
    say("readers are switched")
    for death in deaths:
        death.machine.start()
    migration.run("sync")
    migration.stop_writers()
    migration.run("sync")
    migration.run("verify")
    say("all machines are back, the last changes are applied and verified")
    differences = [
        f"node {number}: {line}"
        for number in range(len(migration.servers.nodes.nodes))
        for line in _lasting_differences(migration, number)
    ]
    say(f"each node is compared with the file: {len(differences)} differences")
    return differences


def _migrate(migration: ClusterMigration, deaths: Sequence[Death], say: Say) -> None:
    with migration.migrating() as migrate:
        for death in deaths:
            found = migration.await_objects(migrate, death.share)
            death.machine.kill()
            say(f"{death.name} is killed: {found} objects are there")
        code = migrate.end_within(LONGEST_MIGRATION_SECONDS)
        assert code == 0, migrate.log.read_text()
    say("migrated")


def _last_result(state: RetryCallState) -> list[str]:
    assert state.outcome is not None
    found: list[str] = state.outcome.result()
    return found


@retry(retry=retry_if_result(bool), stop=stop_after_delay(CATCH_UP_SECONDS), retry_error_callback=_last_result)
def _lasting_differences(migration: ClusterMigration, node: int) -> list[str]:
    """What a node does not have as the file has it; what it has missed comes to it by and by, from the others."""
    return migration.differences(node)
