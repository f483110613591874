"""Cross-references between parents and children: loaded in any order, followed, judged, and no reason to lose a reader.

Chats name their newest message, messages their chat and the message before: around a circle, and into their own table.
Notes name their person, and no reference leads back.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import weaviate
from weaviate.classes.config import ReferenceProperty
from weaviate.classes.data import DataReference
from weaviate.classes.query import Filter, QueryReference

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.target.aliases import alias_targets
from weaviate_migration.target.references import refuse_referenced
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import Ended, at, empty, holdings, run_here

MAPPING = """\
name: chats
collections:
  - name: Chat
    table: chats
    properties: [{name: title, column: title, index: words}]
    relations: [{column: newest, to_table: messages, reference: newest}]
  - name: Message
    table: messages
    properties: [{name: body, column: body, index: words}]
    relations:
      - {column: chat, to_table: chats, parent_id: chatId, reference: inChat}
      - {column: parent, to_table: messages, reference: answers}
  - name: Note
    table: notes
    properties: [{name: body, column: body, index: words}]
    relations: [{column: person, to_table: people, parent_id: personId, reference: by}]
  - name: Person
    table: people
    properties: [{name: name, column: name, index: whole}]
"""
SCHEMA = """
PRAGMA journal_mode = wal;
CREATE TABLE chats (id INTEGER PRIMARY KEY, title TEXT, newest INTEGER);
CREATE TABLE messages (id INTEGER PRIMARY KEY, chat INTEGER, parent, body TEXT);
CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE notes (id INTEGER PRIMARY KEY, person TEXT, body TEXT);
"""
CHATS, MESSAGES = 5, 60


def message(number: int) -> tuple[object, ...]:
    """One in three begins a thread; the others answer the message before, some by a text that says its number."""
    before = number - 1 if number % 2 else str(number - 1)
    return number, number % CHATS, None if number % 3 == 0 else before, f"message {number}"


def make_source(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany(
            "INSERT INTO chats VALUES (?, ?, ?)",
            [(number, f"chat {number}", MESSAGES - CHATS + number or None) for number in range(CHATS)],
        )
        connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", map(message, range(MESSAGES)))
        connection.execute("INSERT INTO messages VALUES (1000, 77, 1000, 'its own parent, in a chat that is gone')")
        connection.execute("INSERT INTO people VALUES ('ada', 'Ada'), ('bob', 'Bob')")
        connection.execute("INSERT INTO notes VALUES (1, 'ada', 'one'), (2, 'late', 'orphan'), (3, NULL, 'nobody')")


@dataclass(frozen=True)
class Chats:
    """The file, what the commands are told of it, and the server."""

    folder: Path
    server: ServerAddress
    client: weaviate.WeaviateClient

    def run(self, command: str, *more: object) -> Ended:
        options = ["--mapping", self.folder / "chats.yaml", "--work-dir", self.folder / "work", *at(self.server)]
        source = ["--sqlite-url", self.folder / "app.db"] if command == "migrate" else []
        return run_here(command, *source, *options, *more)

    def change(self, statement: str) -> None:
        """Changes the source, and lets Weaviate follow."""
        with closing(sqlite3.connect(self.folder / "app.db")) as connection, connection:
            connection.execute(statement)
        ended = self.run("sync")
        assert ended.code == 0, ended.stderr

    def verified(self, *more: object) -> Any:
        ended = self.run("verify", "--json", *more)
        return ended.json | {"code": ended.code}

    def led_to(self, collection: str, reference: str) -> dict[str, list[str]]:
        """Where a reference of each object leads, as readers see it: keys by keys."""
        objects = self.client.collections.use(collection)
        wanted = QueryReference(link_on=reference, return_properties=["metadata"])
        return {
            key_of(each): [key_of(to) for to in each.references[reference].objects] if each.references else []
            for each in objects.query.fetch_objects(limit=1000, return_references=[wanted]).objects
        }


def key_of(stored: Any) -> str:
    return str(stored.properties["metadata"]["original_id"])


def uuid_of(table: str, key: object) -> str:
    found = object_uuid(table, (key,))  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.fixture(scope="module")
def chats(
    connected: weaviate.WeaviateClient, server: ServerAddress, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chats]:
    """Migrated with capture, and switched to."""
    empty(connected)
    chats = Chats(tmp_path_factory.mktemp("chats"), server, connected)
    make_source(chats.folder / "app.db")
    (chats.folder / "chats.yaml").write_text(MAPPING, encoding="utf-8")
    ended = chats.run("migrate", "--live")
    assert ended.code == 0, ended.stderr
    yield chats
    empty(connected)


def test_each_reference_leads_where_the_row_says(chats: Chats) -> None:
    rows = [message(number) for number in range(MESSAGES)]
    assert chats.led_to("Message", "inChat") == {str(row[0]): [str(row[1])] for row in rows} | {"1000": []}
    parents = {str(row[0]): [str(row[2])] if row[2] is not None else [] for row in rows}
    assert chats.led_to("Message", "answers") == parents | {"1000": ["1000"]}
    assert chats.led_to("Chat", "newest") == {str(n): [str(MESSAGES - CHATS + n)] for n in range(CHATS)}
    assert chats.led_to("Note", "by") == {"1": ["ada"], "2": [], "3": []}


def test_the_plan_and_a_trial_know_references(chats: Chats) -> None:
    source = ["--sqlite-url", chats.folder / "app.db"]
    options = [*source, "--mapping", chats.folder / "chats.yaml", "--work-dir", chats.folder / "another"]
    planned = run_here("plan", *options[:-2])
    assert planned.code == 0, planned.stderr
    assert "reference answers" in planned.stdout
    assert "to Message" in planned.stdout
    tried = run_here("preflight", *options, *at(chats.server))
    assert tried.code == 0, tried.stdout + tried.stderr


def test_a_query_finds_children_by_what_their_parent_says(chats: Chats) -> None:
    by_title = Filter.by_ref("inChat").by_property("title").equal("chat 3")
    found = chats.client.collections.use("Message").query.fetch_objects(filters=by_title, limit=1000).objects
    assert {int(key_of(each)) for each in found} == set(range(3, MESSAGES, CHATS))


def test_a_parent_that_comes_later_and_goes_again_is_followed(chats: Chats) -> None:
    chats.change("INSERT INTO people VALUES ('late', 'Late')")
    assert chats.led_to("Note", "by")["2"] == ["late"]
    chats.change("UPDATE notes SET body = 'altered' WHERE id = 2")
    assert chats.led_to("Note", "by")["2"] == ["late"]
    chats.change("DELETE FROM people WHERE id = 'late'")
    assert chats.led_to("Note", "by")["2"] == []
    chats.change("UPDATE notes SET person = 'bob' WHERE id = 2")
    assert chats.led_to("Note", "by")["2"] == ["bob"]
    chats.change("UPDATE notes SET person = 'late', body = 'again' WHERE id = 2")
    assert chats.led_to("Note", "by")["2"] == []
    assert chats.verified()["code"] == 0


def lead(chats: Chats, uuid: str, to: list[str]) -> None:
    """Makes the answer of a message lead to these objects instead."""
    data = chats.client.collections.use("Message").data
    data.reference_replace(uuid, "answers", to=to[:1])
    if more := to[1:]:
        assert not data.reference_add_many([DataReference("answers", uuid, each) for each in more]).has_errors


def test_references_that_lead_elsewhere_are_found_and_mended(chats: Chats) -> None:
    damages = {"7": [], "8": [1], "10": [9, 9], "11": [10, 1]}
    for key, to in damages.items():
        lead(chats, uuid_of("messages", int(key)), [uuid_of("messages", each) for each in to])
    found = chats.verified()
    assert found["code"] == 3
    told = {each["key"]: each["property"] for each in found["differences"]}
    assert told == dict.fromkeys(damages, "reference answers")
    assert chats.verified("--repair")["code"] == 0
    led_to = chats.led_to("Message", "answers")
    assert {key: led_to[key] for key in damages} == {"7": ["6"], "8": ["7"], "10": ["9"], "11": ["10"]}


def test_nothing_is_removed_that_a_reference_leads_to(chats: Chats) -> None:
    targets = alias_targets(chats.client, ["Chat", "Message", "Note", "Person"])
    removed = set(filter(None, targets.values()))
    person = targets["Person"]
    assert person is not None
    refuse_referenced(chats.client, removed)
    with pytest.raises(ConfigurationError, match=f"by` of `{targets['Note']}` leads to `{person}`"):
        refuse_referenced(chats.client, {person})
    reader = chats.client.collections.create("Reader")
    reader.config.add_reference(ReferenceProperty(name="likes", target_collection=person))
    try:
        before, _ = holdings(chats.client)
        for command, *more in (("rollback", "--discard"), ("rollback",), ("cleanup", "--force", "--yes")):
            ended = run_here(command, "--work-dir", chats.folder / "work", *at(chats.server), *more)
            assert ended.code == (0 if command == "rollback" and not more else 2), ended.stderr
            assert ended.code == 0 or f"`likes` of `Reader` leads to `{person}`" in ended.stderr
        assert before == holdings(chats.client)[0]
    finally:
        chats.client.collections.delete("Reader")


TENANTS = """\
name: tenants
collections:
  - name: Page
    table: pages
    tenant: {column: org}
    properties: [{name: title, column: title, index: words}]
    relations: [{column: book, to_table: books, reference: inBook}]
  - name: Book
    table: books
    tenant: {column: org}
    properties: [{name: title, column: title, index: words}]
"""


def test_with_tenants_a_reference_leads_into_its_own_tenant(
    server: ServerAddress, connected: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    empty(connected)
    with closing(sqlite3.connect(tmp_path / "app.db")) as connection, connection:
        connection.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, org TEXT, title TEXT)")
        connection.execute("CREATE TABLE pages (id INTEGER PRIMARY KEY, org TEXT, book, title TEXT)")
        connection.execute("INSERT INTO books VALUES (5, 'a', 'of a'), (6, 'b', 'of b')")
        # 3 is of a book of another tenant, 4 of none that there is.
        connection.execute("INSERT INTO pages VALUES (2, 'a', 5, 'x'), (3, 'b', 5, 'y'), (4, 'b', 7, 'z')")
        connection.execute("INSERT INTO pages VALUES (5, 'b', '6', 'w'), (6, 'b', NULL, 'v')")
    (tmp_path / "tenants.yaml").write_text(TENANTS, encoding="utf-8")
    options = ["--mapping", tmp_path / "tenants.yaml", "--work-dir", tmp_path / "work", *at(server)]
    ended = run_here("migrate", "--sqlite-url", tmp_path / "app.db", *options)
    assert ended.code == 0, ended.stderr
    pages, wanted = connected.collections.use("Page"), [QueryReference(link_on="inBook", return_properties=["title"])]
    found = {
        key_of(each): [to.properties["title"] for to in each.references["inBook"].objects] if each.references else []
        for tenant in "ab"
        for each in pages.with_tenant(tenant).query.fetch_objects(return_references=wanted).objects
    }
    assert found == {"2": ["of a"], "3": [], "4": [], "5": ["of b"], "6": []}
    assert run_here("verify", *options).code == 0
    empty(connected)
