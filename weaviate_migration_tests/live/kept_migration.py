"""A migration that is made once, and put back before each test that begins with it: files and collections as they were.

To migrate takes seconds, to put back takes tenths. It is put back where it was made: its records name absolute paths.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weaviate import WeaviateClient
from weaviate.classes.data import DataObject

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.state_store import close_stores
from weaviate_migration_tests.live.command_line import Ended, empty, holdings
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes


@dataclass(frozen=True)
class KeptCollection:
    """A collection's configuration, and its objects."""

    config: dict[str, Any]
    objects: Sequence[DataObject[Any, Any]]

    @classmethod
    def of(cls, client: WeaviateClient, name: str) -> "KeptCollection":
        collection = client.collections.use(name)
        found = collection.iterator(include_vector=True)
        objects = [DataObject(dict(each.properties), each.uuid, each.vector or None) for each in found]
        return cls(collection.config.get().to_dict(), objects)

    def put_back(self, client: WeaviateClient) -> None:
        outcome = client.collections.create_from_dict(self.config).data.insert_many(self.objects)
        assert not outcome.has_errors, outcome.errors


@dataclass(frozen=True)
class KeptMigration:
    """All that there is of a migration: its folder, and what the server holds of it."""

    folder: Path
    copy: Path
    collections: Sequence[KeptCollection]
    aliases: dict[str, str]

    @classmethod
    def of(cls, folder: Path, name: str, client: WeaviateClient) -> "KeptMigration":
        """Keeps what is there now, in a folder of this name beside it."""
        # Whoever copies a SQLite file gives up the locks that its process has on it; others would then write past it.
        close_stores()
        copy = folder.with_name(name)
        shutil.copytree(folder, copy)
        names, aliases = holdings(client)
        return cls(folder, copy, [KeptCollection.of(client, name) for name in names], aliases)

    def put_back(self, client: WeaviateClient) -> None:
        """Puts it in the place of whatever is there."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.copy, self.folder)
        empty(client)
        for collection in self.collections:
            collection.put_back(client)
        for alias, target in self.aliases.items():
            client.alias.create(alias_name=alias, target_collection=target)


@dataclass(frozen=True)
class KeptNotes:
    """The notes of several tests, one after the other in one folder: not migrated yet, or as a migration left them."""

    folder: Path
    server: ServerAddress
    client: WeaviateClient
    _kept: dict[tuple[object, ...], tuple[KeptMigration, Ended]] = field(default_factory=dict)

    def begin(self) -> NoteMigration:
        """As they are before a migration; the server is empty."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        empty(self.client)
        return fresh_notes(self.folder, self.server)

    def migrated(self, *options: object, times: int = 1) -> Ended:
        """Has them migrated with these options, so many times; that is done for the first test that asks for it.

        Returns:
            What the last of the commands has said.
        """
        wanted = (times, *options)
        if wanted in self._kept:
            kept, ended = self._kept[wanted]
            kept.put_back(self.client)
            return ended
        notes = self.begin()
        for _ in range(times):
            ended = notes.migrate(*options)
            assert ended.code == 0, ended.stderr
        self._kept[wanted] = KeptMigration.of(self.folder, f"kept{len(self._kept)}", self.client), ended
        return ended
