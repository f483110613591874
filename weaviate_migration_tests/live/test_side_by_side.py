"""Two migrations into one server, of one file too, do not disturb each other."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import weaviate

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, at, holdings, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping


@dataclass(frozen=True)
class Side:
    """One of two migrations of the same file: a work folder, a mapping and a prefix of its own."""

    notes: NoteMigration
    work_dir: Path
    mapping: Path
    prefix: str

    def run(self, command: str, *more: object) -> Ended:
        ended = run_here(command, "--work-dir", self.work_dir, *at(self.notes.server), *more)
        assert ended.code == 0, ended.stderr
        return ended

    def with_mapping(self, command: str, *more: object) -> Ended:
        return self.run(command, "--mapping", self.mapping, *more)

    def migrate(self) -> None:
        self.with_mapping("migrate", "--live", "--sqlite-url", self.notes.source, "--prefix", self.prefix)

    @property
    def aliases(self) -> dict[str, str]:
        newest = WorkFolder(self.work_dir).records.current()
        return newest.targets


def bodies(client: weaviate.WeaviateClient, alias: str) -> dict[str, str]:
    found = client.collections.use(alias).iterator()
    return {str(each.properties["noteId"]): str(each.properties["body"]) for each in found}


def rows(notes: NoteMigration) -> dict[str, str]:
    with closing(sqlite3.connect(notes.source)) as connection:
        return dict(connection.execute("SELECT id, body FROM notes").fetchall())


def made_in_file(notes: NoteMigration) -> set[str]:
    with closing(sqlite3.connect(notes.source)) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE '\\_weaviate%' ESCAPE '\\'")
        return {name for (name,) in found}


def test_neither_disturbs_the_other(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """One file, captured twice; other prefixes, mappings, work folders; each step of the one leaves the other alone."""
    ours = Side(notes, notes.folder / "ours", notes.mapping, "Ours_")
    other_mapping = make_mapping(notes.folder / "other.yaml", more="description: Somebody else's.")
    theirs = Side(notes, notes.folder / "theirs", other_mapping, "")

    ours.migrate()
    theirs.migrate()
    assert ours.aliases.keys() == {"Ours_Note"}
    assert theirs.aliases.keys() == {"Note"}
    assert holdings(client)[1] == {**ours.aliases, **theirs.aliases}
    captured = made_in_file(notes)

    add_notes(notes.source, [("new", "new", 1, None)])
    ours.with_mapping("sync")
    assert bodies(client, "Ours_Note") == rows(notes)
    assert "new" not in bodies(client, "Note")
    theirs.with_mapping("sync")
    assert bodies(client, "Note") == rows(notes)
    for each in (ours, theirs):
        each.with_mapping("verify")

    kept = theirs.aliases
    ours.migrate()
    ours.run("rollback", "--discard")
    ours.run("cleanup", "--yes")
    collections, aliases = holdings(client)
    assert aliases == {**ours.aliases, **kept}
    assert collections == sorted(aliases.values())
    left = made_in_file(notes)
    assert left < captured
    add_notes(notes.source, [("newer", "newer", 1, None)])
    theirs.with_mapping("sync")
    theirs.with_mapping("verify")
    assert bodies(client, "Note") == rows(notes)
    assert "newer" not in bodies(client, "Ours_Note")
    theirs.run("cleanup", "--yes")
    assert made_in_file(notes) == set()
    assert holdings(client)[1] == {**ours.aliases, **kept}
