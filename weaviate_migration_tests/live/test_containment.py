"""What SQLite's full-text search finds, asked of Weaviate: by the source's own indexes, and by one of sampled rows."""

import inspect
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import weaviate
from weaviate.classes.query import Filter

from weaviate_migration.defs.checks.findings import search_finding
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.phases.validation.containment import Containment, SearchedCollection, contained
from weaviate_migration.phases.validation.search import SearchComparison
from weaviate_migration.source.full_text_search import SnapshotIndex, snapshot_indexes
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import at as at_server
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.quoting_proxy import run_quoting_proxy
from weaviate_migration_tests.live.small_migration import SmallMigration

# By the column that each indexes: the tokenizer, and the property that is to find the same.
SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("unicode61", {"ascii_fold": True}),
    "accents": ("unicode61 remove_diacritics 0", {}),
    "chars": ("unicode61 tokenchars ''-_''", {"ascii_fold": True}),
    "ascii": ("ascii", {}),
    "parts": ("trigram", {"tokenization": "trigram"}),
}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "stems": ("porter", {"ascii_fold": True}),
    "folded": ("unicode61", {}),
    "english": ("unicode61", {"ascii_fold": True, "stopwords": "en"}),
}
INDEXES = {**SAME, **OTHERS}
SAMPLED: dict[str, dict[str, Any]] = {"unindexed": {"ascii_fold": True}, "sampled_parts": {"tokenization": "trigram"}}
PROPERTIES = {**{name: fields for name, (_, fields) in INDEXES.items()}, **SAMPLED}


OTHER_TEXTS = (
    "naïve Überlegung",
    "naive Uberlegung",
    "the well-known a_bc of 3.14",
    "中文句子 全文檢索",
    "",
    "don't; O'Neill",
)


def texts() -> list[str]:
    """Real texts of the standard library, and what they seldom have: accents, Chinese, words with signs in them.

    Without words such as `a.b`: with its sign it is a trigram of FTS5's, and without it none of Weaviate's.
    """
    documented = [inspect.getdoc(each) or "" for module in (sqlite3, json, inspect) for each in vars(module).values()]
    found = [each[:400] for each in sorted(set(documented))] + [*OTHER_TEXTS] * 6
    return [" ".join(word for word in text.split() if word.isalnum() or len(_signless(word)) > 2) for text in found]


def _signless(word: str) -> str:
    return "".join(filter(str.isalnum, word))


def mapping_of(**more: Any) -> CollectionMapping:
    properties = [{"name": name, "column": name, "index": "words", **each} for name, each in PROPERTIES.items()]
    fields = {"name": "Note", "table": "notes", "stopwords": "none", "properties": properties, "key": ["id"]}
    return CollectionMapping.model_validate(fields | more)


def source(folder: Path) -> Path:
    """Rows whose rowids, keys and texts are in no common order; each text of a row in all of its columns."""
    path = folder / "app.db"
    columns = ", ".join(PROPERTIES)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE notes (number INTEGER PRIMARY KEY, id TEXT, org TEXT, {columns})")
        for at, text in enumerate(texts()):
            values = [1_000 - at, f"key {at}", f"org{at % 3}", *[text] * len(PROPERTIES)]
            connection.execute(f"INSERT INTO notes VALUES ({', '.join('?' * len(values))})", values)
        for name, (tokenizer, _) in INDEXES.items():
            content = f"content = 'notes', content_rowid = 'number', tokenize = '{tokenizer}'"
            connection.execute(f"CREATE VIRTUAL TABLE of_{name} USING fts5 ({name}, {content})")
            connection.execute(f"INSERT INTO of_{name} (of_{name}) VALUES ('rebuild')")
    return path


def migrated(folder: Path, client: weaviate.WeaviateClient, mapping: CollectionMapping) -> SmallMigration:
    migration = SmallMigration(folder, client, mapping)
    migration.extract_file(source(folder))
    assert migration.load().refused == 0
    return migration


@contextmanager
def indexes_of(migration: SmallMigration) -> Iterator[dict[str, SnapshotIndex]]:
    snapshot = migration.folder / "app.db"
    whole = Mapping(name="test", collections=(migration.mapping,))
    plan = plan_migration(whole, inspect_database(snapshot, whole)).collections[0]
    with snapshot_indexes(snapshot, plan, migration.folder) as indexes:
        assert indexes.keys() == INDEXES.keys()
        yield indexes


def searched(migration: SmallMigration) -> SearchComparison:
    with indexes_of(migration) as indexes:
        return migration.proof.search(migration.compare_all(), indexes)


def shares(found: SearchComparison) -> dict[str, float]:
    assert all(each.queries and each.hits >= each.found for each in found.containments)
    return {each.of_property: each.share for each in found.containments}


def texts_of(migration: SmallMigration, prop: str) -> dict[str, str]:
    rows = [row for extract in migration.extracts.values() for row in extract.extract_rows()]
    at = migration.comparer.layout.columns.index(prop)
    return {row.uuid: str(row.values[at]) for row in rows if row.uuid is not None}


@pytest.mark.parametrize("more", [{"where": "number > 900"}, {"tenant": {"column": "org"}}])
def test_what_a_full_text_search_finds_is_found(
    client: weaviate.WeaviateClient, tmp_path: Path, more: dict[str, Any]
) -> None:
    found = searched(migrated(tmp_path, client, mapping_of(**more)))
    assert found.passed, found.to_text()
    by_property = shares(found)
    assert {name: share for name, share in by_property.items() if name not in OTHERS} == dict.fromkeys(
        [*SAME, *SAMPLED], 1.0
    )
    named = {each.of_property: each.index for each in found.containments}
    assert named["chars"] == "of_chars (FTS5, unicode61 tokenchars -_)"
    assert named["unindexed"].startswith("FTS5 over ")
    assert not any(each.lost for each in found.containments)


def test_what_is_parted_otherwise_is_no_fault(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    """Stems, accents and stop words; of all else the same is found by more queries, too."""
    migration = migrated(tmp_path, client, mapping_of())
    asked = SearchedCollection(client, migration.collection, lambda _: False)
    with indexes_of(migration) as indexes:
        found = {
            prop.name: contained(asked, prop, texts_of(migration, prop.name), indexes[prop.name], 60, 7)
            for prop in migration.mapping.properties
            if prop.name in INDEXES
        }
    assert {name: each.share for name, each in found.items() if name in SAME} == dict.fromkeys(SAME, 1.0)
    assert all(0.2 < found[name].share < 1 for name in OTHERS), found
    assert not any(each.lost for each in found.values())


def test_less_than_the_mapping_asks_for_is_a_warning() -> None:
    wanting = Containment("stems", "of_stems (FTS5, porter unicode61)", 12, 50, 30, (), wanted=0.9)
    judged = SearchComparison((), (), (), (wanting,))
    assert not judged.passed
    assert not judged.is_at_fault
    assert judged.to_text().endswith(
        " stems: 30 of 50 hits of of_stems (FTS5, porter unicode61) (12 queries) were found, 0.600, and the mapping "
        "asks for 0.9."
    )
    assert SearchComparison((), (), (), (replace(wanting, wanted=0.6),)).passed
    assert replace(wanting, found=50).to_text() == (
        "stems: all 50 hits of of_stems (FTS5, porter unicode61) (12 queries) were found"
    )
    assert search_finding(judged)["severity"] is dg.AssetCheckSeverity.WARN
    assert search_finding(replace(judged, containments=(replace(wanting, lost=("a",)),)))["severity"] is (
        dg.AssetCheckSeverity.ERROR
    )


def test_what_has_the_words_and_is_not_found_is_a_fault(
    client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path
) -> None:
    migration = migrated(tmp_path, client, mapping_of())
    with run_quoting_proxy(server) as (proxy, address), connect(address, None) as through:
        blind = SmallMigration(tmp_path, through, migration.mapping, migration.extracts, migration.bounds)
        proxy.blind = True
        found = searched(blind)
    assert found.is_at_fault
    assert not found.passed
    assert all(each.found == 0 for each in found.containments)
    same = [each for each in found.containments if each.of_property not in OTHERS]
    assert all(each.lost for each in same), found.to_text()
    assert "A search for words that these objects have does not find them: " in found.to_text()
    assert not any(word in found.to_text().split("hits of")[1] for word in ("Überlegung", "naive"))


def test_an_index_that_is_behind_its_table_is_no_fault(client: weaviate.WeaviateClient, tmp_path: Path) -> None:
    """It finds by words that the rows have no more; objects that are gone are the matter of other checks."""
    migration = migrated(tmp_path, client, mapping_of())
    with closing(sqlite3.connect(migration.folder / "app.db")) as connection, connection:
        connection.execute("INSERT INTO of_plain (of_plain) VALUES ('delete-all')")
        connection.execute("INSERT INTO of_plain (rowid, plain) SELECT number, 'zebra ' || plain || ' the' FROM notes")
    migration.collection.data.delete_many(where=Filter.by_property("ascii").like("naïve"))
    found = searched(migration)
    assert not any(each.lost for each in found.containments)


@pytest.mark.usefixtures("client")
def test_a_file_that_searches_in_several_ways_finds_the_same_after_init_and_migrate(
    server: ServerAddress, tmp_path: Path
) -> None:
    """Its indexes are FTS5 beside a table, FTS4, one without texts that a trigger fills, and one with its own."""
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, body TEXT, more TEXT);
CREATE VIRTUAL TABLE titles USING fts5 (title, content = 'notes');
CREATE VIRTUAL TABLE bodies USING fts4 (body, content="notes", tokenize=unicode61);
CREATE VIRTUAL TABLE mores USING fts5 (more, content = '', tokenize = 'unicode61 remove_diacritics 0');
CREATE VIRTUAL TABLE pages USING fts5 (page);
CREATE TRIGGER filled AFTER INSERT ON notes BEGIN
  INSERT INTO mores (rowid, more) VALUES (new.rowid, new.more);
END;
"""
        )
        for at, text in enumerate(texts()):
            connection.execute("INSERT INTO notes VALUES (?, ?, ?, ?)", (f"key {at}", text, text, text))
            connection.execute("INSERT INTO pages VALUES (?)", (text,))
        connection.execute("INSERT INTO titles (titles) VALUES ('rebuild')")
        connection.execute("INSERT INTO bodies (bodies) VALUES ('rebuild')")
    mapping, options = tmp_path / "app.yaml", ["--work-dir", tmp_path / "work"]
    assert run_here("init", "--sqlite-url", path, "--output", mapping, *options).code == 0
    ended = run_here("migrate", "--sqlite-url", path, "--mapping", mapping, *options, *at_server(server), "--json")
    assert ended.code == 0, ended.stderr
    checks = json.loads(ended.stdout)["checks"]
    said = " ".join(each["description"] for each in checks if each["name"] == "search")
    for index in (
        "titles (FTS5, unicode61)",
        "bodies (FTS4, unicode61)",
        "mores (FTS5, unicode61 remove_diacritics 0)",
        "pages (FTS5, unicode61)",
    ):
        assert re.search(rf"all \d+ hits of {re.escape(index)} \(\d+ queries\) were found", said)
