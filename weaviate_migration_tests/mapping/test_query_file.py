"""The file of the application's own queries: what it says, and every mistake in it with its line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.yaml_file import LARGEST_FILE_BYTES
from weaviate_migration.mapping import Mapping, read_mapping
from weaviate_migration.mapping.queries import Query
from weaviate_migration.mapping.query_file import Queries, parse_queries, read_queries

MAPPING = """\
name: recipes
models: {small: {folder: small}}
collections:
  - name: Recipe
    table: recipes
    vectors: [{name: taste, column: taste}, {name: look}, {name: told, from: [title], model: small}]
    properties:
      - {name: title, column: title, index: words}
      - {name: kind, column: kind, index: whole}
      - {name: tags, column: tags, type: "text[]", index: whole}
      - {name: servings, column: servings, type: int}
      - {name: rating, column: rating, type: number}
      - {name: madeOn, column: made_on, type: date}
      - {name: isVegan, column: vegan, type: boolean}
      - {name: note, column: note, index: stored}
  - name: Guest
    table: guests
    tenant: {column: house, of_null: homeless}
    properties: [{name: name, column: name, index: whole}]
"""


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    path = tmp_path_factory.mktemp("mapping") / "recipes.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    return read_mapping(path)


def parsed(text: str, mapping: Mapping) -> tuple[Query, ...]:
    return parse_queries(text, "queries.yaml", mapping).queries


def mistakes(text: str, mapping: Mapping) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parsed(text, mapping)
    return caught.value.message.splitlines()[1:]


def test_what_a_query_says(mapping: Mapping) -> None:
    text = """\
queries:
  - {name: pasta, collection: Recipe, bm25: creamy pasta, properties: [title], operator: and, k: 5, keys: [17, "a b"]}
  - name: for today
    collection: Recipe
    filters:
      kind: soup
      servings: {greater_or_equal: 2, less_than: 6}
      madeOn: {greater_than: 2026-01-31}
      tags: {contains_any: [quick, cheap]}
      note: {is_none: true}
    keys: [[1, x]]
  - {name: like it, collection: Recipe, near_key: 17, vector: taste, sql: "SELECT id FROM recipes;", least_shared: 0.5}
  - {name: both, collection: Recipe, hybrid: pasta, near_vector: [1.0, 2.0], vector: taste, alpha: 0.25, sql: SELECT 1}
  - {name: told, collection: Recipe, near_text: a quick soup, vector: told, keys: [1]}
  - {name: at home, collection: Guest, tenant: homeless, filters: {name: {like: "A*"}}, keys: [Ann]}
""".replace("      note: {is_none: true}\n", "      isVegan: true\n")
    pasta, today, like_it, both, told, at_home = parsed(text, mapping)
    assert (pasta.kind, pasta.k, pasta.keys, pasta.share_wanted) == ("bm25", 5, (17, "a b"), 0.0)
    assert (today.kind, today.k, today.keys) == ("filters", 10, ((1, "x"),))
    assert today.filters["kind"].operators == {"equal": "soup"}
    assert today.filters["servings"].operators == {"greater_or_equal": 2, "less_than": 6}
    assert today.filters["madeOn"].operators == {"greater_than": datetime(2026, 1, 31, tzinfo=UTC)}
    assert today.filters["tags"].operators == {"contains_any": ("quick", "cheap")}
    assert (like_it.kind, like_it.sql, like_it.share_wanted) == ("near_key", "SELECT id FROM recipes", 0.5)
    assert (both.kind, both.text, both.share_wanted) == ("hybrid", None, 1.0)
    assert (told.kind, told.text) == ("near_text", "a quick soup")
    recipes, guests = mapping.collections
    assert like_it.vector_in(recipes).column == "taste"
    assert at_home.tenant_in(guests) == "homeless"


def test_tenant_is_named_by_the_value_that_its_rows_have(mapping: Mapping) -> None:
    text = 'queries: [{name: a, collection: Guest, tenant: "the red house", filters: {name: x}, keys: [1]}]'
    (query,) = parsed(text, mapping)
    assert (query.tenant_in(mapping.collections[1]) or "").startswith("t_")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{collection: Recipe, bm25: pasta, near_key: 1}", "near_key: stands beside `bm25`: a query has one of"),
        ("{collection: Recipe}", ": asks for nothing: give one of bm25"),
        ("{collection: Recipe, bm25: x, alpha: 0.5}", "alpha: has no meaning without hybrid"),
        ("{collection: Recipe, bm25: x, vector: taste}", "vector: has no meaning without near_text or"),
        ("{collection: Recipe, near_key: 1, vector: taste, properties: [title]}", "properties: has no meaning without"),
        ("{collection: Recipe, bm25: x, least_shared: 1.0}", "least_shared: needs `sql`"),
        ("{collection: Recipe, bm25: x, k: 1, keys: [1, 2]}", "keys: are 2, which cannot all be among the first 1"),
        ("{collection: Recipe, bm25: x, k: 0}", "k: must be 1 at least, not 0"),
        ("{collection: Recipe, bm25: x, sql: DELETE FROM recipes}", "sql: is not one SELECT, as SQLite reads it"),
        ("{collection: Recipe, bm25: x, sql: SELECT 1; SELECT 2}", "sql: is not one SELECT, as SQLite reads it"),
        ("{collection: Recipe, bm25: x, sql: 'SELECT :one'}", "sql: is not one SELECT, as SQLite reads it"),
        (
            "{collection: Receipt, bm25: x}",
            "collection: `Receipt` is no collection of the mapping; did you mean `Recipe`?",
        ),
        (
            "{collection: Recipe, near_key: 1}",
            "near_key: `near_key` needs a `vector`, and Recipe has taste, look, told",
        ),
        ("{collection: Recipe, near_key: 1, vector: tast}", "vector: `tast` is no vector of Recipe; did you mean"),
        (
            "{collection: Recipe, near_text: x, vector: look}",
            "near_text: nothing makes the vector `look` of a text: give `near_key` or `near_vector`",
        ),
        (
            "{collection: Recipe, hybrid: x, vector: taste}",
            "hybrid: nothing makes the vector `taste` of a text: give `near_vector` beside it",
        ),
        ("{collection: Guest, tenant: a, near_key: 1}", "near_key: `near_key` needs a `vector`, and Guest has no"),
        ("{collection: Guest, tenant: a, bm25: x}", "bm25: Guest has no property that is searched by words"),
        ("{collection: Guest, filters: {name: x}}", ": lacks `tenant`"),
        ("{collection: Recipe, bm25: x, tenant: a}", "tenant: Recipe has no tenants"),
        ("{collection: Recipe, bm25: x, properties: [kind]}", "properties[0]: `kind` is no property of Recipe that is"),
        ("{collection: Recipe, filters: {note: x}}", "filters.note: `note` is no property of Recipe that can be"),
        (
            "{collection: Recipe, filters: {servings: two}}",
            "filters.servings.equal: `servings` is of type int: give a whole",
        ),
        (
            "{collection: Recipe, filters: {isVegan: 1}}",
            "filters.isVegan.equal: `isVegan` is of type boolean: give true or",
        ),
        (
            "{collection: Recipe, filters: {madeOn: today}}",
            "filters.madeOn.equal: `madeOn` is of type date: give a date",
        ),
        (
            "{collection: Recipe, filters: {tags: {contains_any: [1]}}}",
            "filters.tags.contains_any: `tags` is of type text[]: give a text",
        ),
        (
            "{collection: Recipe, filters: {kind: {equals: x}}}",
            "filters.kind.equals: is no field; did you mean `equal`",
        ),
        ("{collection: Recipe, filters: {kind: {}}}", "filters.kind: needs an operator: equal,"),
        ("{collection: Recipe, bm52: x}", "bm52: is no field; did you mean `bm25`?"),
    ],
)
def test_mistake_has_its_line(query: str, told: str, mapping: Mapping) -> None:
    more = ", keys: [1]}" if "keys" not in query else "}"
    found = mistakes(f"queries:\n  - {query[:-1]}, name: the one{more}\n", mapping)
    place, _, message = told.partition(": ")
    expected = f"queries.yaml:2: queries[0]{place and f'.{place}'} (the one): {message}"
    assert any(each.startswith(expected) for each in found), found


def test_query_has_to_say_what_it_finds(mapping: Mapping) -> None:
    (told,) = mistakes("queries:\n  - {name: a, collection: Recipe, bm25: x}\n", mapping)
    assert told.endswith("says nothing of its answer: give `keys`, or `sql`")


def test_name_has_room_in_a_picture(mapping: Mapping) -> None:
    (told,) = mistakes(f"queries:\n  - {{name: {'a' * 61}, collection: Recipe, bm25: x, keys: [1]}}\n", mapping)
    assert told.endswith("): is longer than 60 characters")


def test_two_of_one_name(mapping: Mapping) -> None:
    query = "{name: a, collection: Recipe, bm25: x, keys: [1]}"
    (told,) = mistakes(f"queries:\n  - {query}\n  - {query}\n", mapping)
    assert told.startswith("queries.yaml:3: queries[1].name (a): `a` is the name of queries[0], too")


def test_file_that_is_none(tmp_path: Path, mapping: Mapping) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_queries(tmp_path / "none.yaml", mapping)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(ConfigurationError, match="is larger than"):
        read_queries(large, mapping)
    assert parse_queries("queries: []", "none", mapping) == Queries((), "queries: []")
