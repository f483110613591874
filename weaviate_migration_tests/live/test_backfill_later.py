"""One partition loaded again through Dagster, long after its snapshot: no object goes back to an older version."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import dagster as dg
import pytest
import weaviate
from weaviate.collections import Collection

from weaviate_migration_tests.live.notes import NoteMigration, note_id
from weaviate_migration_tests.live.test_dagster_runs import EACH, evaluations_of, materialize, run_checks
from weaviate_migration_tests.live.test_sync import rows, sync

PARTITION = 3
FIRST = PARTITION * EACH
ELSEWHERE = 10 * EACH


@pytest.fixture
def live(notes: NoteMigration) -> Iterator[sqlite3.Connection]:
    """The notes, migrated a while ago: since then rows have changed, some applied and some not."""
    ended = notes.migrate("--live")
    assert ended.code == 0, ended.stderr
    with closing(sqlite3.connect(notes.source, isolation_level=None)) as connection:
        update(connection, FIRST, "newer")
        update(connection, FIRST + 1, "newer")
        update(connection, ELSEWHERE, "newer")
        connection.execute("DELETE FROM notes WHERE id = ?", (note_id(FIRST + 2),))
        sync(notes)
        update(connection, FIRST, "newest")
        update(connection, ELSEWHERE + 1, "newest")
        connection.execute("DELETE FROM notes WHERE id = ?", (note_id(FIRST + 3),))
        connection.execute("INSERT INTO notes (id, body) VALUES (?, 'back')", (note_id(FIRST + 2),))
        yield connection


def update(connection: sqlite3.Connection, number: int, body: str) -> None:
    connection.execute("UPDATE notes SET body = ? WHERE id = ?", (body, note_id(number)))


@pytest.fixture
def collection(client: weaviate.WeaviateClient) -> Collection[Any, Any]:
    return client.collections.use("Note")


def bodies(collection: Collection[Any, Any]) -> dict[str, Any]:
    return {str(each.uuid): each.properties["body"] for each in collection.iterator()}


def passed(result: dg.ExecuteInProcessResult, partition: int = PARTITION) -> bool:
    """Whether all checks ran and passed, those of this partition among them."""
    found = result.get_asset_check_evaluations()
    assert {each.check_name for each in found} == {"count", "every_object", "uuids", "types", "sample", "search"}
    assert {each.partition for each in evaluations_of(result, "every_object")} == {f"{partition:02}"}
    return result.success and all(each.passed for each in found)


def test_nothing_is_older_than_before_and_everything_equal_after_sync(
    notes: NoteMigration,
    live: sqlite3.Connection,
    collection: Collection[Any, Any],
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
) -> None:
    before = bodies(collection)
    assert before[note_id(FIRST)] == "newer"
    key = f"{PARTITION:02}"
    result = materialize(definitions, instance, "notes_extract", "note", first=key, last=key)
    assert passed(result)
    # Rows of the partition are what they are now, those of the others as they were.
    now = rows(live)
    for number in range(FIRST, FIRST + EACH):
        before.pop(note_id(number), None)
        if note_id(number) in now:
            before[note_id(number)] = now[note_id(number)]
    assert bodies(collection) == before
    sync(notes)
    assert bodies(collection) == rows(live)


@pytest.mark.usefixtures("live")
def test_a_repeated_check_gives_no_false_alarm(
    notes: NoteMigration, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert passed(run_checks(definitions, instance, f"{PARTITION:02}"))
    sync(notes)
    assert passed(run_checks(definitions, instance, f"{PARTITION:02}"))


DAMAGES: dict[str, Callable[[Collection[Any, Any]], object]] = {
    "an older version": lambda notes: notes.data.update(note_id(FIRST + 1), {"body": f"note {FIRST + 1}"}),
    "a row that is gone": lambda notes: notes.data.insert({"body": f"note {FIRST + 3}"}, uuid=note_id(FIRST + 3)),
    "a row that is lacking": lambda notes: notes.data.delete_by_id(note_id(FIRST + 2)),
}


@pytest.mark.usefixtures("live")
def test_a_repeated_check_finds_what_is_older_than_the_row(
    notes: NoteMigration,
    collection: Collection[Any, Any],
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
) -> None:
    sync(notes)
    for damage in DAMAGES.values():
        damage(collection)
    (found,) = evaluations_of(run_checks(definitions, instance, f"{PARTITION:02}"), "every_object")
    assert not found.passed
    assert "1 missing, 1 extra, 1 altered" in str(found.description)
