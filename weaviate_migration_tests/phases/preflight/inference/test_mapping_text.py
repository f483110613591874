from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping, RelationMapping
from weaviate_migration.mapping.reader import parse_mapping, read_mapping
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.preflight.inference.mapping_text import mapping_text
from weaviate_migration.phases.preflight.inference.names import collection_names, property_names

# What YAML 1.1 reads as something else, what has a meaning in YAML, and any other text that a name or reason may be.
AWKWARD = [
    *(
        "yes",
        "No",
        "on",
        "null",
        "~",
        "1",
        "1.5",
        "1e3",
        "0x1f",
        "1_000",
        "2024-01-01",
        ".inf",
        "=",
        "<<",
        "!x",
        "&a",
        "*a",
    ),
    *(
        "- a",
        "a: b",
        "a #b",
        "#",
        "{a}",
        "[a, b]",
        "'",
        '"',
        "\\",
        "a\nb",
        "\t",
        " a ",
        "a\u2028b",
        "\x85",
        "\ufeffa",
        "\x01",
    ),
    *(
        "用户",
        "🙂",
        "é" * 200,
        "a" * 2_000,
        "? a",
        "| a",
        "> a",
        "%a",
        "@a",
        "`a`",
        "---",
        "...",
        "text[]",
        "12:30",
        "\x7f",
    ),
]
TEXTS = st.one_of(st.sampled_from(AWKWARD), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
REASONS = st.dictionaries(TEXTS, TEXTS, max_size=4)


@st.composite
def collections(draw: st.DrawFn, table: str, name: str, tables: Sequence[str]) -> CollectionMapping:
    columns = draw(st.lists(TEXTS, min_size=1, max_size=5, unique_by=str.casefold))
    names = property_names(name, columns)
    types: list[dict[str, Any]] = [{"type": "int"}, {"index": "whole"}, {"type": "text[]", "index": "words"}]
    types += [{"index": "stored", "default": draw(TEXTS)}, {"type": "date", "date_format": "epoch_seconds"}]
    kinds = [draw(st.sampled_from(types)) for _ in columns]
    mapped = {*map(str.casefold, columns)}
    return CollectionMapping(
        name=name,
        table=table,
        key=tuple(columns[: draw(st.integers(0, 2))]),
        provenance=f"{'a' * 229}b",
        properties=tuple(
            PropertyMapping(name=names[column], column=column, description=draw(st.just("") | TEXTS), **kind)
            for column, kind in zip(columns, kinds, strict=True)
        ),
        vectors=draw(st.sampled_from([(), ["embedding"], [{"name": "embedding", "column": "yes"}, "other"]])),
        relations=tuple(
            RelationMapping(column=column, to_table=draw(st.sampled_from(tables))) for column in columns[:2]
        ),
        omit={each: reason for each, reason in draw(REASONS).items() if each.casefold() not in {*mapped, "yes"}},
    )


@st.composite
def mappings(draw: st.DrawFn) -> Mapping:
    tables = [f"{at}{text}" for at, text in enumerate(draw(st.lists(TEXTS, min_size=1, max_size=3)))]
    names = collection_names(tables)
    made = [draw(collections(table, names[table], tables)) for table in tables]
    omitted = {each: reason for each, reason in draw(REASONS).items() if each not in tables}
    return Mapping(name=draw(TEXTS), unmapped="refuse", omit_tables=omitted, collections=tuple(made))


def comments_everywhere(mapping: Mapping, text: str) -> dict[tuple[str | int, ...], tuple[str, ...]]:
    places: list[tuple[str | int, ...]] = [()]
    for at, each in enumerate(mapping.collections):
        places.append(("collections", at))
        for field in ("properties", "vectors", "relations"):
            places += [("collections", at, field, item) for item in range(len(getattr(each, field)))]
    return dict.fromkeys(places, (text, "another"))


@settings(deadline=None)
@given(mappings(), st.text(max_size=30))
def test_a_mapping_reads_back_as_it_was(mapping: Mapping, comment: str) -> None:
    text = mapping_text(mapping, comments_everywhere(mapping, comment))
    assert parse_mapping(text, "mapping.yaml") == mapping
    assert mapping_text(mapping, comments_everywhere(mapping, comment)) == text


def test_the_shipped_mapping_reads_back_as_it_was() -> None:
    assert parse_mapping(mapping_text(read_mapping(), {}), "mapping.yaml") == read_mapping()


@pytest.mark.parametrize("text", AWKWARD)
def test_a_text_is_a_text_in_yaml(text: str) -> None:
    prop = PropertyMapping(name="a", column=text, type="int")
    mapping = Mapping(name=text, collections=(CollectionMapping(name="A", table=text, properties=(prop,)),))
    assert yaml.safe_load(mapping_text(mapping, {}))["collections"][0]["table"] == text


def test_how_it_looks() -> None:
    props = [
        PropertyMapping(name="noteId", column="id", index="whole"),
        PropertyMapping(name="yes", column="yes", type="int", description="# of them"),
    ]
    note = CollectionMapping(
        name="Note",
        table="notes",
        properties=tuple(props),
        key=("id",),
        vectors=(VectorMapping(name="summary"),),
        omit={"password": "a secret"},
    )
    mapping = Mapping(name="notes", unmapped="refuse", omit_tables={"log": "no data"}, collections=(note,))
    comments = {
        (): ("Drawn up.", "Edit it."),
        ("collections", 0): ("3 rows", "a second\nline"),
        ("collections", 0, "properties", 0): ("a key",),
    }
    assert mapping_text(mapping, comments) == (
        """\
# Drawn up.
# Edit it.
name: notes
omit_tables:
  log: no data
unmapped: refuse
collections:

  # 3 rows
  # a second line
  - name: Note
    table: notes
    key: [id]
    vectors:
      - {name: summary}
    properties:
      - {name: noteId, column: id, index: whole} # a key
      - {name: "yes", column: "yes", type: int, description: "# of them"}
    omit:
      password: a secret
"""
    )
