"""Readers never notice the switch: eight of them read through the aliases while these move there and back."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import weaviate
from weaviate.classes.aggregate import GroupByAggregate
from weaviate.classes.query import Filter
from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.phases.cutover.switch import Cutover
from weaviate_migration.phases.cutover.way_back import roll_back
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.live.command_line import until

SWITCHES = 50
NAMES = ("Person", "Note")
# The number of objects tells the versions apart, too.
OBJECTS = {"earlier": 40, "later": 60}
PROPERTIES = (
    PropertyMapping(name="version", column="version", type="text", index="whole"),
    PropertyMapping(name="body", column="body", type="text", index="words"),
)

Alias = Collection[Any, Any]
Seen = set[str]


def versions_of(objects: Any) -> Seen:
    """The versions that the objects of one answer say they belong to."""
    return {str(each.properties["version"]) for each in objects}


def fetch_all(alias: Alias) -> Seen:
    found = alias.query.fetch_objects(limit=100).objects
    return {f"{version}, {len(found)} objects" for version in versions_of(found)}


def fetch_by_id(alias: Alias) -> Seen:
    return versions_of([alias.query.fetch_object_by_id(UUID(int=7))])


def filter_by_id(alias: Alias) -> Seen:
    wanted = Filter.by_id().contains_any([UUID(int=1), UUID(int=2)])
    return versions_of(alias.query.fetch_objects(filters=wanted).objects)


def search(alias: Alias) -> Seen:
    return versions_of(alias.query.bm25("word", query_properties=["body"], limit=100).objects)


def count(alias: Alias) -> Seen:
    return {f"{alias.aggregate.over_all(total_count=True).total_count} objects"}


def count_by_version(alias: Alias) -> Seen:
    found = alias.aggregate.over_all(group_by=GroupByAggregate(prop="version"), total_count=True)
    return {f"{each.grouped_by.value}, {each.total_count} objects" for each in found.groups}


SAID = set(OBJECTS)
COUNTED = {f"{number} objects" for number in OBJECTS.values()}
SAID_AND_COUNTED = {f"{version}, {number} objects" for version, number in OBJECTS.items()}
# For each reader what it asks, and all that it may be answered: one of these at a time.
READERS: list[tuple[Callable[[Alias], Seen], set[str]]] = [
    (fetch_all, SAID_AND_COUNTED),
    (fetch_by_id, SAID),
    (fetch_by_id, SAID),
    (filter_by_id, SAID),
    (search, SAID),
    (search, SAID),
    (count, COUNTED),
    (count_by_version, SAID_AND_COUNTED),
]


class Reader(threading.Thread):
    """Asks one thing again and again through the aliases, and keeps what did not come as it should."""

    def __init__(
        self, client: weaviate.WeaviateClient, ask: Callable[[Alias], Seen], answers: set[str], stop: threading.Event
    ) -> None:
        super().__init__(name=ask.__name__, daemon=True)
        self._aliases = [client.collections.use(name) for name in NAMES]
        self._ask, self._answers, self._stop_reading = ask, answers, stop
        self.requests = 0
        self.seen: Seen = set()
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._stop_reading.is_set():
            for alias in self._aliases:
                try:
                    seen = self._ask(alias)
                except Exception as error:
                    seen = {f"{type(error).__name__}: {error}"}
                if len(seen) != 1 or not seen <= self._answers:
                    self.wrong.append(f"{self.name} of {alias.name}: {seen}")
                self.seen |= seen
                self.requests += 1


def make_version(client: weaviate.WeaviateClient, version: str, began_at: datetime) -> MigrationRecord:
    """A migration with its collections, whose objects say which version they are."""
    record = MigrationRecord(
        id=f"{began_at:%Y%m%dT%H%M%S}",
        began_at=began_at,
        source=Path("/data/app.db"),
        mapping_name="people",
        mapping_digest="digest",
        collection_names=NAMES,
    )
    for name in NAMES:
        mapping = CollectionMapping(name=name, table=name.lower(), properties=PROPERTIES)
        ensure_collection(client, record.collection(mapping), mapping, Origin(record.id, "/data/app.db", "digest"))
        with client.collections.use(record.collection(mapping)).batch.fixed_size(100) as batch:
            for number in range(1, OBJECTS[version] + 1):
                batch.add_object({"version": version, "body": f"word {number}"}, uuid=UUID(int=number))
    return record


def test_no_request_fails_and_none_mixes_both_versions(tmp_path: Path, client: weaviate.WeaviateClient) -> None:
    work_folder = WorkFolder(tmp_path)
    switch = Cutover(client, work_folder, lambda _: None)
    earlier = make_version(client, "earlier", datetime(2026, 1, 1, tzinfo=UTC))
    later = make_version(client, "later", datetime(2026, 1, 2, tzinfo=UTC))
    switch.run(earlier, timeout=60)
    stop = threading.Event()
    readers = [Reader(client, ask, answers, stop) for ask, answers in READERS]
    for reader in readers:
        reader.start()
    try:
        for _ in range(SWITCHES // 2):
            switched = switch.run(later, timeout=60)
            all_ask_again(readers)
            roll_back(client, work_folder, switched, discard=False)
            all_ask_again(readers)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert [wrong for reader in readers for wrong in reader.wrong] == []
    assert all(len(reader.seen) == len(OBJECTS) for reader in readers)


def all_ask_again(readers: list[Reader]) -> None:
    """Waits until each has asked both aliases since now; the request that was under way does not count."""
    asked = [reader.requests for reader in readers]
    until(
        lambda: all(
            reader.requests > before + len(NAMES) or not reader.is_alive()
            for reader, before in zip(readers, asked, strict=True)
        )
    )
