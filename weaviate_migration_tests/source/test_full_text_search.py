"""Searches of full-text indexes: of a snapshot's own, whatever they are made of, and of texts of any kind."""

import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping import Mapping, PropertyMapping
from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.source.full_text_search import (
    MOST_HITS,
    SampleIndex,
    has_full_text_index,
    snapshot_indexes,
    words_of,
)
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration_tests.source.databases import connect, make, make_as_its_application

TABLE = "CREATE TABLE notes (number INTEGER PRIMARY KEY, id TEXT, org TEXT, body TEXT)"
ROWS = "INSERT INTO notes VALUES (7, 'a', 'x', 'well-known naïve words'), (9, 'b', 'y', 'other words')"
BODY = {"name": "body", "column": "body", "index": "words"}
WORDS = PropertyMapping.model_validate(BODY)


def index_of_body(more: str, module: str = "fts5") -> list[str]:
    return [f"CREATE VIRTUAL TABLE found USING {module} (body, {more})", "INSERT INTO found (found) VALUES ('rebuild')"]


def found(
    tmp_path: Path, index: list[str], words: list[str], *, table: str = TABLE, app: bool = False, **more: Any
) -> dict[str, list[str] | None]:
    """What the snapshot's own index of each property finds."""
    statements = [table, ROWS, *index]
    path = tmp_path / "app.db"
    tmp_path.mkdir(exist_ok=True)
    snapshot = make_as_its_application(path, *statements) if app else make(path, *statements)
    fields = {"name": "Note", "table": "notes", "key": ["id"], "properties": [BODY]} | more
    mapping = Mapping.model_validate({"name": "test", "collections": [fields]})
    plan = plan_migration(mapping, inspect_database(snapshot, mapping)).collections[0]
    assert has_full_text_index(snapshot, "NOTES")
    with snapshot_indexes(snapshot, plan, tmp_path) as indexes:
        return {name: each.hits(words) for name, each in indexes.items()}


def uuid(key: str) -> str:
    return object_uuid("notes", (key,)) or ""


def test_hits_are_addresses_of_the_collections_rows(tmp_path: Path) -> None:
    beside = index_of_body("content = 'notes', content_rowid = 'number'")
    assert found(tmp_path / "a", beside, ["words"]) == {"body": [uuid("a"), uuid("b")]}
    assert found(tmp_path / "b", beside, ["words"], where="number > 8") == {"body": [uuid("b")]}
    of_tenants = [address("x", uuid("a")), address("y", uuid("b"))]
    assert found(tmp_path / "c", beside, ["words"], tenant={"column": "org"}) == {"body": of_tenants}
    older = index_of_body('content="notes"', "fts4")
    assert found(tmp_path / "d", older, ["other", "words"]) == {"body": [uuid("b")]}


def test_the_rows_of_a_statement_are_told_by_the_column_that_the_index_names(tmp_path: Path) -> None:
    beside = index_of_body("content = 'notes', content_rowid = 'number'")
    told: dict[str, Any] = {"select": "SELECT number, body FROM notes", "key": ["number"]}
    assert found(tmp_path / "a", beside, ["other"], **told) == {"body": [object_uuid("notes", (9,))]}
    rowids = TABLE.replace("INTEGER PRIMARY KEY, id TEXT", "INTEGER, id TEXT PRIMARY KEY")
    beside = index_of_body("content = 'notes'")
    assert found(tmp_path / "b", beside, ["other"], table=rowids) == {"body": [uuid("b")]}
    assert found(tmp_path / "c", beside, ["other"], table=rowids, select="SELECT id, body FROM notes") == {}


@pytest.mark.parametrize(
    ("detail", "hits"),
    [
        ("full", {"body": [uuid("a")]}),
        ("column", {"body": None}),
        ("none", {}),
    ],
)
def test_what_an_index_cannot_be_asked(tmp_path: Path, detail: str, hits: dict[str, list[str] | None]) -> None:
    beside = index_of_body(f"content = 'notes', detail = {detail}")
    assert found(tmp_path, beside, ["well-known"]) == hits


def test_an_index_that_only_the_application_can_read_is_left_out(tmp_path: Path) -> None:
    index = "CREATE VIRTUAL TABLE found USING fts5 (body, content = 'notes', tokenize = 'mecab')"
    assert found(tmp_path, [index], ["words"], app=True) == {}


def test_too_many_hits_are_none() -> None:
    texts = {f"{at}": f"each {at}" for at in range(MOST_HITS + 1)}
    with closing(SampleIndex(WORDS, texts)) as index:
        assert index.hits(["each"]) is None
        assert index.hits(["each", "7"]) == ["7"]
    with closing(SampleIndex(WORDS, dict(list(texts.items())[:-1]))) as index:
        assert len(index.hits(["each"]) or ()) == MOST_HITS


@given(text=st.text(st.characters(codec="utf-8")) | st.text("ab'\"*^:(){}-+.,; \0\n"), seed=st.integers())
def test_every_word_can_be_asked_for(text: str, seed: int) -> None:
    """Whatever stands in it; in a text of ASCII alone, letters and digits find their text."""
    words = words_of(text, 5, 1, random.Random(seed))
    with closing(SampleIndex(WORDS, {"row": text})) as index, closing(connect(Path(":memory:"))) as older:
        older.execute("CREATE VIRTUAL TABLE found USING fts4 (body)")
        older.execute("INSERT INTO found VALUES (?)", (text,))
        for word in words:
            hits = index.hits([word])
            asked = older.execute("SELECT count(*) FROM found WHERE body MATCH ?", (f'"{word}"',)).fetchone()
            assert asked is not None
            if word.isalnum() and text.isascii() and "\0" not in text:
                assert hits == ["row"]
    assert all(word in text for word in words)


def test_short_words_are_not_drawn_where_trigrams_pass_over_them() -> None:
    assert sorted(words_of("to be or not, that is", 9, 3, random.Random(7))) == ["not", "that"]
