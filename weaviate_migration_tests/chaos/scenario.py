"""An application under fire: its file, its writers, a server, and the commands that migrate it, killed or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from model2vec import StaticModel

from weaviate_migration.target.connect import connect
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.chaos.boundaries import EVERY_FUNCTION
from weaviate_migration_tests.chaos.end_state import (
    assert_nothing_is_left_over,
    assert_sqlite_holds_what_was_committed,
    assert_vectors_are_of_the_bodies,
    assert_weaviate_holds_the_rows,
)
from weaviate_migration_tests.chaos.killing import KILLED, Boundary, Moment, run, running
from weaviate_migration_tests.chaos.tables import make_file, make_mapping, schema_of
from weaviate_migration_tests.chaos.writers import Writers
from weaviate_migration_tests.live.command_line import Ended, at, holdings, until
from weaviate_migration_tests.live.own_server import StoppableServer

TRANSACTIONS_A_SECOND = 10
"""Of each writer: so that changes come all the while, and the machine has time for the rest."""
MOST_CALLS = 60
LONGEST_DELAY = 0.3
"""A random moment is so many calls and seconds after the start at most."""

# A command, with what it is told beside where everything is.
Words = tuple[str, ...]
MIGRATE: Words = ("migrate", "--live", "--no-cutover")
FOLLOW: Words = ("sync", "--follow")
SYNC: Words = ("sync",)
CUTOVER: Words = ("cutover",)
ROLLBACK: Words = ("rollback",)
DISCARD: Words = ("rollback", "--discard")
CLEANUP: Words = ("cleanup", "--yes")
FORCED_CLEANUP: Words = (*CLEANUP, "--force")

# What may be run in each state of the newest migration, and how often in comparison with the others.
IN_STATE = {
    "unfinished": {MIGRATE: 3, FOLLOW: 3, CUTOVER: 2, DISCARD: 1},
    "cut over": {MIGRATE: 2, FOLLOW: 4, CUTOVER: 1, ROLLBACK: 2, FORCED_CLEANUP: 1},
    "rolled back": {MIGRATE: 3, DISCARD: 1},
    "discarded": {MIGRATE: 1},
    "cleaned up": {MIGRATE: 1},
}
FOR_THE_WAY = ("snapshots", "extracts", "sync", "quarantine")
"""The folders whose files are needed until a migration is cleaned up."""
# What a command may end with that comes in a state in which it can do nothing (2), or not all (1, 3).
REFUSALS = (1, 2, 3)


@dataclass
class Scenario:
    """One file that is migrated again and again while four writers change it.

    Args:
        folder: for everything but the server's data.
        server: one that may be killed.
        model: the folder of the one that makes vectors of the documents.
    """

    folder: Path
    server: StoppableServer
    seed: int
    model: Path

    def __post_init__(self) -> None:
        self.source = make_file(self.folder / "app" / "app.db")
        self._schema = schema_of(self.source)
        self.mapping = make_mapping(self.folder / "chaos.yaml", self.model)
        self.work_dir = self.folder / "work"
        self.writers = Writers(self.source, self.folder, self.seed, TRANSACTIONS_A_SECOND)

    @property
    def records(self) -> list[MigrationRecord]:
        """The migrations on record, oldest first."""
        return WorkFolder(self.work_dir).records.all()

    @property
    def _is_captured(self) -> bool:
        return WorkFolder(self.work_dir).capture_id is not None

    @property
    def has_older_version(self) -> bool:
        """Whether Weaviate has collections that `cleanup` would remove after another migration."""
        finished = [each for each in self.records if each.state in ("cut over", "rolled back", "cleaned up")]
        with connect(self.server.address, None) as client:
            collections, _ = holdings(client)
        return len({name for each in finished for name in each.targets.values()}.intersection(collections)) > 1

    def complete(self, command: Words) -> None:
        """Raises AssertionError where the command does not succeed."""
        ended = self._run(command)
        assert ended.code == 0, (command, _told(ended))

    def kill_at(self, command: Words, boundary: Boundary) -> None:
        """Raises AssertionError where the command does not come to this boundary."""
        ended = self._run(command, boundary)
        assert ended.code == KILLED, (command, str(boundary), _told(ended))

    def kill_at_random(self, random: Random) -> None:
        """Kills one command at one random moment; those that end before do what they do."""
        for _ in range(10):
            command = self._any_command(random)
            ended = self._run(command, self._moment(random))
            if ended.code == KILLED:
                return
            _refuse_faults(command, ended)
        raise AssertionError("no command was killed")

    @property
    def is_followed(self) -> bool:
        """Whether readers use the newest migration, and its changes are followed: sync has to keep it whole."""
        return bool(self.records) and self.records[-1].state == "cut over" and self._is_captured

    def kill_server_at_random(self, random: Random) -> None:
        """Kills the server at a random moment of a command, starts it again, and lets the command end."""
        command = self._any_command(random)
        moment = replace(self._moment(random), victim=self.server.process.pid)
        with running(*command, *self._options(command), end=moment) as under_way:
            until(lambda: not (self.server.process.is_alive() and under_way.process.is_alive()))
            self.server.kill()
            self.server.start()
            if command == FOLLOW:
                self.writers.await_transactions(20)
                under_way.process.terminate()
            ended = under_way.end()
        self.writers.refuse_ended()
        _refuse_faults(command, ended)

    def assert_sync_loses_nothing(self) -> None:
        """What sync made of the newest migration, before anything is loaded again, which would mend it."""
        with self.writers.paused():
            self.complete(SYNC)
            self.assert_nothing_was_lost()

    def assert_nothing_was_lost(self) -> None:
        """Both sides have every row that was committed, once; the writers are paused, and sync has run."""
        assert_sqlite_holds_what_was_committed(self.writers)
        with connect(self.server.address, None) as client:
            assert_weaviate_holds_the_rows(client, self.source, self.records[-1].targets)
            model = StaticModel.from_pretrained(self.model)
            assert_vectors_are_of_the_bodies(client, self.source, self.records[-1].targets, model)
            known = {name for each in self.records if each.state != "discarded" for name in each.targets.values()}
            assert_nothing_is_left_over(client, self.work_dir, known)

    def assert_nothing_is_left(self) -> None:
        """All that readers need is there, and no trace of anything else, in the file least of all."""
        self.assert_nothing_was_lost()
        assert schema_of(self.source) == self._schema, schema_of(self.source)
        with connect(self.server.address, None) as client:
            collections, aliases = holdings(client)
        assert aliases == self.records[-1].targets, aliases
        assert collections == sorted(aliases.values()), collections
        left = [path for name in FOR_THE_WAY for path in (self.work_dir / name).rglob("*") if path.is_file()]
        assert left == [], left
        assert not self._is_captured

    def _run(self, command: Words, end: Boundary | Moment | None = None) -> Ended:
        """Runs a command, killed or not, while the application goes on."""
        ended = run(*command, *self._options(command), end=end)
        self.writers.refuse_ended()
        return ended

    def _any_command(self, random: Random) -> Words:
        state = self.records[-1].state if self.records else "discarded"
        (command,) = random.choices(list(IN_STATE[state]), weights=list(IN_STATE[state].values()))
        return command

    def _moment(self, random: Random) -> Moment:
        return Moment(EVERY_FUNCTION, random.randint(1, MOST_CALLS), random.random() * LONGEST_DELAY)

    def _options(self, command: Words) -> list[object]:
        source = ["--sqlite-url", self.source] if command[0] == "migrate" else []
        mapping = ["--mapping", self.mapping] if command[0] in ("migrate", "sync", "cutover") else []
        return [*source, *mapping, "--work-dir", self.work_dir, *at(self.server.address)]


def _refuse_faults(command: Words, ended: Ended) -> None:
    """Raises AssertionError where a command failed in a way that no person can do anything about."""
    assert ended.code in (0, *REFUSALS), (command, _told(ended))
    assert "Traceback" not in ended.stderr, (command, _told(ended))
    assert "Internal error" not in ended.stderr, (command, _told(ended))


def _told(ended: Ended) -> str:
    return f"exit code {ended.code}: {ended.stdout[-2000:]} {ended.stderr[-4000:]}"


@contextmanager
def under_fire(folder: Path, seed: int, model: Path) -> Iterator[Scenario]:
    """A scenario whose writers write and whose server runs, until the block ends."""
    server = StoppableServer(folder / "server")
    try:
        server.start()
        scenario = Scenario(folder, server, seed, model)
        with scenario.writers.running():
            # So that there is something to do at each step, however long the writers have taken to begin.
            scenario.writers.await_transactions(10)
            yield scenario
    finally:
        server.stop()
