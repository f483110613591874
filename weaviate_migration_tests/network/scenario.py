"""An application whose file is migrated over a network that fails, and what has to hold after each command."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import httpx
import weaviate
import yaml

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.chaos.end_state import assert_nothing_is_left_over
from weaviate_migration_tests.chaos.killing import Boundary, Fault, run
from weaviate_migration_tests.chaos.tables import schema_of
from weaviate_migration_tests.field.comparison import compare
from weaviate_migration_tests.live.command_line import Ended, at, holdings
from weaviate_migration_tests.network.toxiproxy import ToxicWay
from weaviate_migration_tests.network.troubles import Trouble, TroubleAtStep

MAPPING = """\
name: letters
collections:
  - name: Letter
    table: letters
    properties:
      - {name: letterId, column: id, index: whole}
      - {name: body, column: body, index: words}
      - {name: size, column: size, type: int}
  - name: Stamp
    table: stamps
    properties:
      - {name: number, column: number, type: int}
      - {name: letterId, column: letter_id, index: whole}
      - {name: price, column: price, type: number}
"""
TABLES = """
CREATE TABLE letters (id TEXT NOT NULL PRIMARY KEY, body TEXT, size INTEGER);
CREATE TABLE stamps (number INTEGER PRIMARY KEY, letter_id TEXT, price REAL);
"""
LETTERS = 1_200
STAMPS = 300
# What fails for seconds is tried for longer than that; what fails for good is given up soon.
PATIENTLY = ("--max-retries", 8, "--retry-delay", 0.5)
HASTILY = ("--max-retries", 1, "--retry-delay", 0.1)

# A command, with what it is told beside where everything is.
Words = tuple[object, ...]
MIGRATE: Words = ("migrate", "--live", "--no-cutover")
MIGRATE_AND_SWITCH: Words = ("migrate", "--live")
SYNC: Words = ("sync",)
CUTOVER: Words = ("cutover",)
ROLLBACK: Words = ("rollback",)
CLEANUP: Words = ("cleanup", "--yes", "--force")

LOAD = Boundary("weaviate_migration.target.write:ObjectWriter.write_batch", "before", call=3)
COMPARISON = Boundary(
    "weaviate_migration.phases.validation.collection_proof:CollectionProof.compare_partition", "before", call=3
)
APPLYING = Boundary("weaviate_migration.phases.dual_write.row_applier:RowApplier.apply", "before")
ALIAS_MADE = Boundary("weaviate.aliases.sync:_Alias.create")
ALIAS_MOVED = Boundary("weaviate.aliases.sync:_Alias.update")
ALIAS_REMOVED = Boundary("weaviate.aliases.sync:_Alias.delete")
COLLECTION_REMOVED = Boundary("weaviate_migration.target.schema:drop_collection")


@dataclass
class Scenario:
    """One file, which is migrated by way of a toxiproxy.

    Args:
        folder: for everything but the server's data.
        client: of the server itself.
    """

    folder: Path
    way: ToxicWay
    client: weaviate.WeaviateClient
    changes: int = 0

    def __post_init__(self) -> None:
        self.source, self.mapping, self.work_dir = (self.folder / name for name in ("app.db", "letters.yaml", "work"))
        self.mapping.write_text(MAPPING, encoding="utf-8")
        with closing(sqlite3.connect(self.source)) as connection, connection:
            connection.execute("PRAGMA journal_mode = wal")
            connection.executescript(TABLES)
            connection.executemany("INSERT INTO letters VALUES (?, ?, ?)", map(_letter, range(LETTERS)))
            connection.executemany("INSERT INTO stamps VALUES (?, ?, ?)", map(_stamp, range(STAMPS)))

    @property
    def records(self) -> list[MigrationRecord]:
        """The migrations on record, oldest first."""
        return WorkFolder(self.work_dir).records.all()

    @property
    def holdings(self) -> tuple[list[str], dict[str, str]]:
        """The server's collections, and where its aliases point."""
        return holdings(self.client)

    @property
    def schema(self) -> list[tuple[str, ...]]:
        """What there is in the file beside rows: capture adds a table and triggers."""
        return schema_of(self.source)

    def change(self) -> None:
        """The application writes: some rows are new, some altered, some gone."""
        self.changes += 1
        begin = LETTERS + 40 * self.changes
        with closing(sqlite3.connect(self.source)) as connection, connection:
            connection.executemany("INSERT INTO letters VALUES (?, ?, ?)", map(_letter, range(begin, begin + 40)))
            connection.execute("UPDATE letters SET body = body || ' again' WHERE size % 20 = ?", (self.changes,))
            connection.execute("DELETE FROM letters WHERE size % 50 = ?", (self.changes + 20,))
            connection.execute("UPDATE stamps SET price = price + 0.1 WHERE number % 20 = ?", (self.changes,))

    def complete(self, command: Words) -> None:
        """Raises AssertionError where the command does not succeed."""
        ended = self._run(command)
        assert ended.code == 0, told(ended)

    def complete_in(self, trouble: Trouble, step: Boundary, command: Words) -> None:
        """Has a command come into trouble at this step of it; where that is for good, the same command completes it.

        Raises:
            AssertionError: it does not end as it should, or not in time.
        """
        fault = TroubleAtStep(trouble, self.way, step)
        if trouble.ends_within is None:
            ended = self._run((*command, *PATIENTLY), fault)
            assert ended.code == 0, (trouble.name, told(ended))
            return
        began = time.monotonic()
        ended = self._run((*command, *HASTILY), fault)
        assert time.monotonic() - began < trouble.ends_within, (trouble.name, told(ended))
        assert ended.code == 1, (trouble.name, told(ended))
        assert "Weaviate does not answer" in ended.stderr, (trouble.name, told(ended))
        assert "Traceback" not in ended.stderr, (trouble.name, told(ended))
        self.complete(command)

    def _run(self, command: Words, fault: Fault | None = None) -> Ended:
        """Runs a command, in trouble or not; afterwards the way is free of it."""
        try:
            return run(*command, *self._options(command), end=fault)
        finally:
            self.way.restore()

    def assert_copied(self, record: MigrationRecord) -> None:
        """A migration has every row as it is now, once, and there is no collection that nobody knows."""
        places = record.targets
        server = f"http://{self.way.server.host}:{self.way.server.http_port}"
        compared = compare(self.source, yaml.safe_load(MAPPING), server, places)
        assert compared.differences == []
        assert compared.rows["letters"] > LETTERS // 2
        known = {name for each in self.records if each.state != "discarded" for name in each.targets.values()}
        assert_nothing_is_left_over(self.client, self.work_dir, known)
        self._assert_searchable(server, record)

    def _assert_searchable(self, server: str, record: MigrationRecord) -> None:
        """Each letter is found by its key, once: what was sent again is in the index once."""
        name = record.targets["Letter"]
        with closing(sqlite3.connect(self.source)) as connection:
            keys = [key for (key,) in connection.execute("SELECT id FROM letters ORDER BY size LIMIT 200")]
        asked = "".join(
            f'k{number}: {name}(where: {{path: ["letterId"], operator: Equal, valueText: "{key}"}}) {{ letterId }} '
            for number, key in enumerate(keys)
        )
        answer = httpx.post(f"{server}/v1/graphql", json={"query": f"{{ Get {{ {asked} }} }}"}, timeout=60)
        found = answer.raise_for_status().json()["data"]["Get"]
        assert [[each["letterId"] for each in found[f"k{number}"]] for number in range(len(keys))] == [
            [key] for key in keys
        ]

    def _options(self, command: Words) -> list[object]:
        source = ["--sqlite-url", self.source] if command[0] == "migrate" else []
        mapping = ["--mapping", self.mapping] if command[0] in ("migrate", "sync", "cutover") else []
        return [*source, *mapping, "--work-dir", self.work_dir, *at(self.way.address)]


def told(ended: Ended) -> str:
    """All that a command has said."""
    return f"exit code {ended.code}: {ended.stdout[-2000:]} {ended.stderr[-6000:]}"


def _letter(number: int) -> tuple[str, str, int]:
    return str(uuid5(NAMESPACE_OID, f"letter {number}")), f"letter {number}: {'words of it ' * 20}", number


def _stamp(number: int) -> tuple[int, str, float]:
    return number, str(uuid5(NAMESPACE_OID, f"letter {number}")), number / 10
