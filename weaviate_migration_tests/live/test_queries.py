"""The application's own queries and a real migration: found, not found, beside SQLite, and in force from then on."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import weaviate

from weaviate_migration.mapping.queries import SEARCHES
from weaviate_migration.mapping.query_file import NO_QUERIES
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import Ended, at, empty, run_here
from weaviate_migration_tests.live.notes import NoteMigration

MAPPING = """\
name: recipes
models: {{small: {{folder: "{model}"}}}}
collections:
  - name: Recipe
    table: recipes
    vectors:
      - {{name: taste, column: taste, bytes: json}}
      - {{name: told, from: [title], model: small, query_prefix: "look for: "}}
    properties:
      - {{name: title, column: title, index: words}}
      - {{name: kind, column: kind, index: whole}}
      - {{name: servings, column: servings, type: int}}
      - {{name: rating, column: rating, type: number}}
      - {{name: madeOn, column: made_on, type: date}}
  - name: Guest
    table: guests
    tenant: {{column: house}}
    properties: [{{name: name, column: name, index: words}}]
"""
TABLES = """
CREATE TABLE recipes (id INTEGER PRIMARY KEY, title TEXT, kind TEXT, servings INTEGER, rating REAL, made_on TEXT,
    taste TEXT);
CREATE TABLE guests (id INTEGER PRIMARY KEY, house TEXT, name TEXT);
INSERT INTO guests VALUES (1, 'the red house', 'Ann'), (2, 'blue', 'Ann'), (3, 'blue', 'Bob');
CREATE VIRTUAL TABLE recipes_fts USING fts5(title, content='recipes', content_rowid='id');
"""
ROWS = [
    (1, "Creamy pasta with peas", "pasta", 2, 4.0, "2026-01-01 10:00:00", "[1.0, 0.0]"),
    (2, "Pasta alla norma", "pasta", 4, 4.5, "2026-01-02 10:00:00", "[0.9, 0.1]"),
    (3, "Tomato soup", "soup", 4, 3.0, "2026-02-01 10:00:00", "[0.0, 1.0]"),
    (4, "Creamy tomato soup", "soup", 6, 5.0, "2026-02-02 10:00:00", "[0.1, 0.9]"),
]
FULL_TEXT = "SELECT rowid FROM recipes_fts WHERE recipes_fts MATCH 'creamy OR tomato' ORDER BY rank"
QUERIES = f"""\
queries:
  - {{name: creamy tomato, collection: Recipe, bm25: creamy tomato, k: 3, keys: [4], sql: "{FULL_TEXT}"}}
  - {{name: both words, collection: Recipe, bm25: creamy tomato, operator: and, k: 2, keys: ["4"]}}
  - {{name: like the pasta, collection: Recipe, near_key: 1, vector: taste, k: 2, keys: [1, 2]}}
  - {{name: sour, collection: Recipe, near_vector: [0, 1], vector: taste, k: 2, keys: [3, 4], filters: {{kind: soup}}}}
  - {{name: mixed, collection: Recipe, hybrid: norma, near_vector: [1, 0], vector: taste, alpha: 0.5, k: 1, keys: [2]}}
  - {{name: in words, collection: Recipe, near_text: a soup with tomatoes, vector: told, k: 2, keys: [3, 4]}}
  - {{name: in words and by them, collection: Recipe, hybrid: norma, vector: told, k: 1, keys: [2]}}
  - name: for four
    collection: Recipe
    filters: {{servings: {{greater_or_equal: 4}}, rating: {{greater_than: 4}}, madeOn: {{less_than: 2026-02-03}}}}
    sql: SELECT id FROM recipes WHERE servings >= 4 AND rating > 4
  - {{name: in blue, collection: Guest, tenant: blue, bm25: ann bob, k: 2, keys: [2, 3]}}
  - name: in the red house
    collection: Guest
    tenant: the red house
    bm25: ann
    sql: SELECT id FROM guests WHERE house = 'the red house'
"""


EXPECTS_TOO_MUCH = """\
queries:
  - {name: soup, collection: Recipe, bm25: soup, k: 4, keys: [3, 99], sql: SELECT id FROM recipes WHERE kind = 'soup'}
  - {name: two columns, collection: Recipe, bm25: soup, keys: [[1, 2]]}
  - {name: nothing there, collection: Recipe, bm25: soup, keys: [3], sql: SELECT id FROM reicpes}
"""


@dataclass(frozen=True)
class Recipes(NoteMigration):
    """A migration whose queries pass by now, and what was said before."""

    first: Ended
    refused: Ended


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, static_model: Path) -> Recipes:
    """One migration for all of these tests: it expects too much at first. Each puts back what it alters."""
    migration = NoteMigration(tmp_path_factory.mktemp("recipes"), server)
    migration.source.parent.mkdir()
    with closing(sqlite3.connect(migration.source)) as connection, connection:
        connection.executescript(TABLES)
        connection.executemany("INSERT INTO recipes VALUES (?, ?, ?, ?, ?, ?, ?)", ROWS)
        connection.execute("INSERT INTO recipes_fts (recipes_fts) VALUES ('rebuild')")
    migration.mapping.write_text(MAPPING.format(model=migration.folder / "model"), encoding="utf-8")
    queries_of(migration).write_text(QUERIES, encoding="utf-8")
    with closing(connect(server, None)) as client:
        empty(client)
    (migration.folder / "model").symlink_to(static_model)
    too_much = migration.folder / "too_much.yaml"
    too_much.write_text(EXPECTS_TOO_MUCH, encoding="utf-8")
    first = migration.migrate("--queries", too_much, "--no-cutover", "--json")
    refused = run(migration, "cutover")
    ended = migration.migrate("--queries", queries_of(migration))
    assert ended.code == 0, ended.stderr
    return Recipes(migration.folder, server, first, refused)


@pytest.fixture
def client(server: ServerAddress) -> Iterator[weaviate.WeaviateClient]:
    """A client of the server as it is."""
    with connect(server, None) as client:
        yield client


def queries_of(migration: NoteMigration) -> Path:
    return migration.folder / "queries.yaml"


def run(recipes: NoteMigration, command: str, *more: object) -> Ended:
    return run_here(command, *recipes.source_options[2:], *at(recipes.server), *more)


def check_of(recipes: Recipes) -> dict[str, Any]:
    ended = run_here("checks", "--work-dir", recipes.work_dir, "--json")
    (found,) = [each for each in ended.json["checks"] if (each["name"], each["asset"]) == ("queries", "recipe")]
    return dict(found)


def test_check_tells_both_sides_and_their_times(recipes: Recipes) -> None:
    check = check_of(recipes)
    assert (check["status"], check["asset"], check["blocking"]) == ("passed", "recipe", True)
    figures = check["metadata"]
    assert (figures["queries"], figures["failed"]) == (8, 0)
    assert figures["weaviate_ms"] > 0
    assert figures["sqlite_ms"] > 0
    rows = {each["query"]: each for each in figures["asked"]}
    assert {each["by"] for each in rows.values()} == {*SEARCHES, "filters"}
    assert (rows["creamy tomato"]["found"], rows["creamy tomato"]["shared_with_sqlite"]) == (1, 1.0)
    assert rows["creamy tomato"]["sqlite_ms"] > 0
    assert rows["both words"]["sqlite_ms"] == ""
    assert (rows["for four"]["wanted"], rows["for four"]["shared_with_sqlite"]) == (0, 1.0)


def test_report_draws_the_times_of_both_sides(recipes: Recipes) -> None:
    page, text = recipes.folder / "report.html", recipes.folder / "report.md"
    assert run_here("report", "--work-dir", recipes.work_dir, "--html", page, "--markdown", text).code == 0
    section = page.read_text(encoding="utf-8").split("Your own queries</h2>", 1)[1].split("<h2", 1)[0]
    assert "All 10 found what they have to find." in section
    assert "<svg" in section
    assert "creamy tomato: SQLite" in section
    assert "## Your own queries" in (told := text.read_text(encoding="utf-8"))
    assert "| recipe | of your own queries | 100.00 % | 8 |" in told
    assert "| recipe | recall@10 of taste | 100.00 % |" in told


def test_status_tells_what_searches_find(recipes: Recipes) -> None:
    status = ("status", "--work-dir", recipes.work_dir, *at(recipes.server))
    shares = run_here(*status, "--json").json["searches"]
    kinds = {(each["asset"], each["measure"]): (each["share"], each["searches"]) for each in shares}
    assert kinds["recipe", "of your own queries"] == (1, 8)
    assert kinds["recipe", "recall@10 of taste"][0] == 1
    least = min(shares, key=lambda each: each["share"])
    told = f"{least['asset']}: {least['measure']}: {100 * least['share']:.2f} %"
    assert f"{told} ({least['searches']} searches), the lowest of {len(shares)}" in run_here(*status).stdout


def test_postflight_asks_again(recipes: Recipes) -> None:
    item = next(each for each in run(recipes, "postflight", "--json").json["items"] if each["name"] == "queries")
    assert item["verdict"] == "passed"
    assert item["figure"].startswith("All 10 found what they have to find. Median: Weaviate ")


def test_model_that_is_gone_is_named(recipes: Recipes, static_model: Path) -> None:
    model = recipes.folder / "model"
    model.unlink()
    try:
        item = next(each for each in run(recipes, "postflight", "--json").json["items"] if each["name"] == "queries")
    finally:
        model.symlink_to(static_model)
    assert item["verdict"] == "failed"
    assert str(model) in item["figure"]


def test_object_that_is_found_no_more(recipes: Recipes, client: weaviate.WeaviateClient) -> None:
    collection = client.collections.use("Recipe")
    (soup,) = collection.query.bm25("creamy soup", limit=1, include_vector=True).objects
    collection.data.delete_by_id(soup.uuid)
    try:
        item = next(each for each in run(recipes, "postflight", "--json").json["items"] if each["name"] == "queries")
        assert run(recipes, "verify").code == 3
        check = check_of(recipes)
    finally:
        collection.data.insert(soup.properties, uuid=soup.uuid, vector=dict(soup.vector))
    assert (item["verdict"], check["status"], check["metadata"]["failed"]) == ("failed", "failed", 5)
    assert "creamy tomato: 4 is not among the first 3" in item["figure"]
    assert "nor does SQLite" not in item["figure"]
    assert "of the 2 rows that SQLite gives first, 1 are among the first 10, and 100% are wanted" in item["figure"]
    assert item["figure"].count("4 is not among") == 4
    assert "3, 4" not in item["figure"]


def test_mistakes_end_a_command_before_anything_is_touched(recipes: Recipes) -> None:
    wrong = recipes.folder / "wrong.yaml"
    wrong.write_text("queries:\n  - {name: a, collection: Recipes, bm25: x, keys: [1]}\n", encoding="utf-8")
    for command in ("migrate", "preflight"):
        ended = run_here(command, *recipes.options, "--queries", wrong)
        assert (ended.code, "wrong.yaml:2: queries[0].collection (a)" in ended.stderr) == (2, True)
    assert WorkFolder(recipes.work_dir).queries.read().text == QUERIES


def test_queries_that_fail_block_the_switch(recipes: Recipes) -> None:
    assert (recipes.first.code, recipes.refused.code) == (3, 3)
    (told,) = [each["description"] for each in recipes.first.json["checks"] if each["name"] == "queries"]
    assert "soup: 99 is not among the first 4 (nor does SQLite find it)" in told
    assert "two columns: (1, 2) is no key of recipes, which has 1 column" in told
    assert "nothing there: SQLite does not take it: no such table: reicpes" in told
    assert "1 blocking checks have not passed (recipe: queries: failed)" in recipes.refused.stderr


def test_file_without_queries_takes_them_out_of_force(recipes: Recipes) -> None:
    none = recipes.folder / "none.yaml"
    none.write_text("queries: []\n", encoding="utf-8")
    assert run(recipes, "verify", "--queries", none).code == 0
    ended = run_here("checks", "--work-dir", recipes.work_dir, "--json")
    assert "queries" not in {each["name"] for each in ended.json["checks"]}
    assert WorkFolder(recipes.work_dir).queries.read() == NO_QUERIES
