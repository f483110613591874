import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import weaviate
from weaviate.classes.config import Configure, DataType, Tokenization
from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter
from weaviate.collections.classes.config import PropertyConfig
from weaviate.collections.classes.filters import _Filters

from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.mapping import CollectionMapping, VectorMapping, read_mapping
from weaviate_migration.mapping.search_words import search_words
from weaviate_migration.mapping.vector_index import HnswIndex, QuantizerType
from weaviate_migration.mapping.vector_mapping import Distance
from weaviate_migration.target.query import any_word, finds_by_word, finds_word
from weaviate_migration.target.schema import (
    Maker,
    Origin,
    drop_collection,
    ensure_collection,
    origin_of,
    refuse_lost_collection,
    schema_differences,
)
from weaviate_migration_tests.strategies import EVERY_TYPE

ORIGIN = Origin("20261122T093015", '/data/Zoë\'s "app" [1].db', "digest")
NAME = "Note_20261122T093015"


def properties_of(client: weaviate.WeaviateClient, name: str) -> dict[str, PropertyConfig]:
    return {each.name: each for each in client.collections.use(name).config.get().properties}


def test_a_collection_is_made_once(client: weaviate.WeaviateClient) -> None:
    assert ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)
    client.collections.use(NAME).data.insert({"noteId": "kept"})
    assert not ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)
    assert client.collections.use(NAME).aggregate.over_all(total_count=True).total_count == 1


def test_properties_are_typed_and_indexed_as_the_mapping_says(client: weaviate.WeaviateClient) -> None:
    ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)
    found = properties_of(client, NAME)
    assert set(found) == {prop.name for prop in EVERY_TYPE.properties} | {"metadata"}
    shown = {
        name: (each.data_type, each.tokenization, each.index_filterable, each.index_searchable)
        for name, each in found.items()
    }
    assert shown["noteId"] == (DataType.TEXT, Tokenization.FIELD, True, False)
    assert shown["body"] == (DataType.TEXT, Tokenization.WORD, False, True)
    assert shown["document"] == (DataType.TEXT, Tokenization.FIELD, False, False)
    assert shown["tags"] == (DataType.TEXT_ARRAY, Tokenization.FIELD, True, False)
    assert shown["size"] == (DataType.INT, None, True, False)
    assert shown["score"] == (DataType.NUMBER, None, True, False)
    assert shown["done"] == (DataType.BOOL, None, True, False)
    assert shown["at"] == (DataType.DATE, None, True, False)
    assert shown["ident"] == (DataType.UUID, None, True, False)
    assert shown["counts"] == (DataType.INT_ARRAY, None, True, False)
    assert shown["scores"] == (DataType.NUMBER_ARRAY, None, True, False)
    assert shown["flags"] == (DataType.BOOL_ARRAY, None, True, False)
    assert shown["moments"] == (DataType.DATE_ARRAY, None, True, False)
    assert shown["picture"] == (DataType.BLOB, None, False, False)
    nested = {each.name: each.data_type for each in found["metadata"].nested_properties or []}
    assert nested == {
        "migrated_from_sqlite": DataType.BOOL,
        "original_id": DataType.TEXT,
        "migration_timestamp": DataType.DATE,
        "source_columns": DataType.TEXT,
    }


@pytest.mark.parametrize("collection", read_mapping().collections, ids=lambda each: each.name)
def test_the_shipped_collections(client: weaviate.WeaviateClient, collection: CollectionMapping) -> None:
    ensure_collection(client, f"{collection.name}_1", collection, ORIGIN)
    config = client.collections.use(f"{collection.name}_1").config.get()
    assert set(config.vector_config or {}) == set(collection.provided_vectors)
    assert (config.description or "").startswith(collection.description)
    assert {each.name: each.description for each in config.properties if each.description} == {
        each.name: each.description for each in collection.properties if each.description
    } | {collection.provenance: "Where the object came from, and what of its row no other property holds exactly."}


def test_the_description_says_which_migration_source_and_mapping_made_it(client: weaviate.WeaviateClient) -> None:
    ensure_collection(
        client, NAME, EVERY_TYPE.model_copy(update={"description": "Notes [weaviate-migration x]"}), ORIGIN
    )
    assert origin_of(client, NAME) == ORIGIN


@pytest.mark.parametrize("description", [None, "", "Notes.", "[weaviate-migration {}]", "[weaviate-migration {oops}]"])
def test_other_collections_have_no_origin(client: weaviate.WeaviateClient, description: str | None) -> None:
    client.collections.create("Note", description=description)
    assert origin_of(client, "Note") is None
    assert origin_of(client, "Nothing") is None


@pytest.mark.parametrize(
    "properties",
    [
        {"undeclared": 1},
        {"metadata": {"undeclared": 1}},
        {"metadata": {"source_columns": {"id": 1}}},
    ],
)
def test_auto_schema_is_off(client: weaviate.WeaviateClient, properties: dict[str, Any]) -> None:
    ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)
    notes, before = client.collections.use(NAME), properties_of(client, NAME)
    reply = notes.data.insert_many([DataObject({"noteId": "a"}), DataObject(properties)])
    assert list(reply.errors) == [1]
    assert properties_of(client, NAME) == before


@pytest.mark.parametrize(
    "other",
    [
        Origin("20250101T000000", ORIGIN.source, ORIGIN.mapping),
        Origin(ORIGIN.migration, "/data/other.db", ORIGIN.mapping),
        Origin(ORIGIN.migration, ORIGIN.source, "another"),
        Origin(ORIGIN.migration, ORIGIN.source, ORIGIN.mapping, "another folder's id"),
    ],
)
def test_a_collection_of_another_migration_is_not_taken(client: weaviate.WeaviateClient, other: Origin) -> None:
    ensure_collection(client, NAME, EVERY_TYPE, other)
    with pytest.raises(MigrationConflictError, match=f"`{NAME}` is there already") as error:
        ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)
    assert other.migration in error.value.message
    assert origin_of(client, NAME) == other


def test_a_collection_that_no_migration_made_is_not_taken(client: weaviate.WeaviateClient) -> None:
    client.collections.create(NAME, description="Mine.")
    with pytest.raises(MigrationConflictError, match="no migration made it"):
        ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)


def test_only_what_this_migration_made_is_dropped(client: weaviate.WeaviateClient) -> None:
    ensure_collection(client, NAME, EVERY_TYPE, ORIGIN)
    ensure_collection(client, "Note_1", EVERY_TYPE, Origin("1", ORIGIN.source, ORIGIN.mapping))
    elsewhere = Origin(ORIGIN.migration, ORIGIN.source, ORIGIN.mapping, "another folder's id")
    ensure_collection(client, "Note_2", EVERY_TYPE, elsewhere)
    client.collections.create("Mine")
    dropped = [
        name for name in (NAME, "Note_1", "Note_2", "Mine", "Nothing") if drop_collection(client, name, ORIGIN.maker)
    ]
    assert dropped == [NAME]
    assert set(client.collections.list_all()) == {"Note_1", "Note_2", "Mine"}


def test_a_collection_of_an_earlier_version_names_no_work_folder(client: weaviate.WeaviateClient) -> None:
    said = json.dumps({"migration": "1", "source": "/data/app.db", "mapping": "digest"})
    client.collections.create("Note_1", description=f"Notes. [weaviate-migration {said}]")
    assert origin_of(client, "Note_1") == Origin("1", "/data/app.db", "digest")
    refuse_lost_collection(client, "Note_1", Maker("1"))
    with pytest.raises(MigrationConflictError, match="in another work folder, made it"):
        refuse_lost_collection(client, "Note_1", Maker("1", "a folder's id"))
    assert not drop_collection(client, "Note_1", Maker("1", "a folder's id"))
    assert drop_collection(client, "Note_1", Maker("1"))


@pytest.mark.parametrize("collection", [EVERY_TYPE, *read_mapping().collections], ids=lambda each: each.name)
def test_a_schema_as_it_was_made_does_not_differ(
    client: weaviate.WeaviateClient, collection: CollectionMapping
) -> None:
    ensure_collection(client, NAME, collection, ORIGIN)
    assert schema_differences(client, NAME, collection) == []


def test_each_way_in_which_a_schema_differs_is_told(client: weaviate.WeaviateClient) -> None:
    """What was made and what the mapping says differ in a type, an index, a property on each side, and a vector."""
    changed = {"size": {"type": "number"}, "body": {"index": "whole"}, "owner": {"name": "holder"}}
    other = EVERY_TYPE.model_copy(
        update={
            "properties": tuple(each.model_copy(update=changed.get(each.name, {})) for each in EVERY_TYPE.properties),
            "vectors": (VectorMapping(name="seen"),),
        }
    )
    ensure_collection(client, NAME, other, ORIGIN)
    assert sorted(schema_differences(client, NAME, EVERY_TYPE)) == [
        "`body` should be text, tokenized by word, searchable, and is text, tokenized by field, filterable",
        "`holder` should be absent, and is text, tokenized by field, filterable",
        "`owner` should be text, tokenized by field, filterable, and is absent",
        "`size` should be int, filterable, and is number, filterable",
        "`vector default` should be self-provided, and is absent",
        "`vector seen` should be absent, and is self-provided",
    ]


def with_distance(distance: str) -> CollectionMapping:
    return EVERY_TYPE.model_copy(update={"vectors": (VectorMapping(name="seen", distance=distance),)})  # type: ignore[arg-type]


@pytest.mark.parametrize("distance", get_args(Distance))
def test_a_vector_has_the_distance_that_the_mapping_says(client: weaviate.WeaviateClient, distance: str) -> None:
    ensure_collection(client, NAME, with_distance(distance), ORIGIN)
    assert schema_differences(client, NAME, with_distance(distance)) == []
    other = "dot" if distance == "cosine" else "cosine"
    assert schema_differences(client, NAME, with_distance(other)) == [
        f"`distance of vector seen` should be {other}, and is {distance}"
    ]


def test_naming_a_distance_changes_nothing_else_of_a_vector(client: weaviate.WeaviateClient) -> None:
    client.collections.create("Plain", vector_config=[Configure.Vectors.self_provided(name="seen")])
    ensure_collection(client, NAME, with_distance("cosine"), ORIGIN)
    made, plain = (client.collections.use(name).config.get().vector_config for name in (NAME, "Plain"))
    assert made == plain


def test_a_collection_that_is_gone_differs(client: weaviate.WeaviateClient) -> None:
    assert schema_differences(client, NAME, EVERY_TYPE) == [f"there is no collection `{NAME}`"]


def note(properties: list[dict[str, Any]] | None = None, **fields: Any) -> CollectionMapping:
    plain = [{"name": "body", "column": "body", "index": "words"}]
    return CollectionMapping.model_validate(
        {"name": "Note", "table": "notes", "properties": properties or plain, **fields}
    )


def body(**fields: Any) -> CollectionMapping:
    return note([{"name": "body", "column": "body", "index": "words", **fields}])


@pytest.mark.parametrize(
    ("said", "other", "told"),
    [
        (note(replication=1), note(replication=2), ["`replication` should be 2, and is 1"]),
        (note(shards=2, replication=1), note(shards=3), ["`shards` should be 3, and is 2"]),
        (note(stopwords="none"), note(stopwords="en"), ["`stopwords` should be en, and is none"]),
        (note(), note(stopwords="none"), ["`stopwords` should be none, and is en"]),
        (note(stopwords=["und", "der"]), note(stopwords=["und"]), ["`stopwords` should be und, and is der, und"]),
        *(
            (
                note(None, **{name: made}),
                note(None, **{name: not made}),
                [f"`{name}` should be {not made}, and is {made}".lower()],
            )
            for name in ("index_timestamps", "index_null_state", "index_property_length")
            for made in (True, False)
        ),
        (
            body(stopwords=["und"]),
            body(stopwords="none"),
            ["`stopwords of body` should be none, and is und"],
        ),
        (body(stopwords="en"), body(), ["`stopwords of body` should be absent, and is en"]),
        (
            body(ascii_fold=True, ascii_fold_ignore=["é", "ö"]),
            body(ascii_fold=True),
            [
                "`body` should be text, tokenized by word, folded to ASCII, searchable, "
                "and is text, tokenized by word, folded to ASCII but for é ö, searchable"
            ],
        ),
        (
            body(tokenization="trigram"),
            body(tokenization="whitespace"),
            [
                "`body` should be text, tokenized by whitespace, searchable, "
                "and is text, tokenized by trigram, searchable"
            ],
        ),
    ],
)
def test_what_cannot_be_changed_later_is_made_and_read_back(
    client: weaviate.WeaviateClient, said: CollectionMapping, other: CollectionMapping, told: list[str]
) -> None:
    ensure_collection(client, NAME, said, ORIGIN)
    assert schema_differences(client, NAME, said) == []
    assert schema_differences(client, NAME, other) == told


def indexed(**index: Any) -> CollectionMapping:
    return note(vectors=[{"name": "seen", "index": index}])


def test_what_a_server_makes_of_each_index_is_read_back(client: weaviate.WeaviateClient) -> None:
    """Every field of an index and every option of a quantizer, with values that are no defaults."""
    hnsw: dict[str, Any] = {"ef": 77, "ef_construction": 64, "max_connections": 16, "dynamic_ef_min": 50}
    hnsw |= {"dynamic_ef_max": 200, "dynamic_ef_factor": 4, "flat_search_cutoff": 1000}
    hnsw |= {"filter_strategy": "sweeping", "cleanup_interval_seconds": 100, "vector_cache_max_objects": 1000}
    assert {*hnsw, "quantizer"} == HnswIndex.model_fields.keys()
    plain: list[dict[str, Any]] = [
        {},
        hnsw,
        *({"quantizer": each} for each in get_args(QuantizerType)),
        {"quantizer": {"type": "rq", "bits": 1, "rescore_limit": 30}},
        {"quantizer": {"type": "pq", "centroids": 128, "segments": 4, "encoder_distribution": "normal"}},
        {"quantizer": {"type": "pq", "training_limit": 1000}},
        {"quantizer": {"type": "sq", "rescore_limit": 11, "training_limit": 1000}},
        {"type": "flat", "vector_cache_max_objects": 7},
        {"type": "flat", "quantizer": "none"},
        {"type": "flat", "quantizer": {"type": "rq", "bits": 1, "rescore_limit": 30, "cache": True}},
        {"type": "flat", "quantizer": {"type": "bq", "rescore_limit": 5, "cache": True}},
    ]
    for number, index in enumerate(plain):
        ensure_collection(client, f"Note_{number}", indexed(**index), ORIGIN)
        assert schema_differences(client, f"Note_{number}", indexed(**index)) == []
        assert schema_differences(client, f"Note_{number}", note(vectors=["seen"])) == []  # It is left to the server.


@pytest.mark.parametrize(
    ("said", "other", "told"),
    [
        ({"ef": 77}, {"ef": 78}, ["`index.ef of vector seen` should be 78, and is 77"]),
        ({}, {"type": "flat"}, ["`index.type of vector seen` should be flat, and is hnsw"]),
        ({}, {"quantizer": "rq"}, ["`index.quantizer of vector seen` should be rq, and is none"]),
        (
            {"quantizer": "rq"},
            {"quantizer": {"type": "rq", "bits": 1}},
            ["`index.quantizer.bits of vector seen` should be 1, and is 8"],
        ),
        (
            {"quantizer": "pq"},
            {"quantizer": {"type": "pq", "encoder_distribution": "normal"}},
            ["`index.quantizer.encoder_distribution of vector seen` should be normal, and is log-normal"],
        ),
        ({"quantizer": "rq"}, {"quantizer": "none"}, ["`index.quantizer of vector seen` should be none, and is rq"]),
    ],
)
def test_another_index_than_the_mapping_says_is_told(
    client: weaviate.WeaviateClient, said: dict[str, Any], other: dict[str, Any], told: list[str]
) -> None:
    ensure_collection(client, NAME, indexed(**said), ORIGIN)
    assert schema_differences(client, NAME, indexed(**other)) == told


def test_what_a_mapping_leaves_to_the_server_is_no_difference(client: weaviate.WeaviateClient) -> None:
    """Timestamps, too: older versions made collections without."""
    ensure_collection(client, NAME, note(shards=2, stopwords="none", index_timestamps=False), ORIGIN)
    assert schema_differences(client, NAME, note()) == []


def test_when_an_object_was_made_can_be_filtered_by_unless_the_mapping_says_no(client: weaviate.WeaviateClient) -> None:
    ensure_collection(client, NAME, note(), ORIGIN)
    notes = client.collections.use(NAME)
    made = notes.data.insert({"body": "four"})
    since = Filter.by_creation_time().greater_than(datetime(2020, 1, 1, tzinfo=UTC))
    assert [each.uuid for each in notes.query.fetch_objects(filters=since).objects] == [made]


@pytest.mark.parametrize("tokenization", ["word", "lowercase", "whitespace", "trigram"])
def test_the_words_that_are_searched_for_find_their_text(client: weaviate.WeaviateClient, tokenization: str) -> None:
    """Also where Python and Weaviate would part a text otherwise, where words are passed over, and without accents."""
    fields = {"index": "words", "tokenization": tokenization, "ascii_fold": True}
    stopwords = {"stopwords": ["whither", "grossenangaben"]} if tokenization == "word" else {}
    mapping = note([{"name": "body", "column": "body", **fields, **stopwords}], stopwords=["nowhere"])
    ensure_collection(client, NAME, mapping, ORIGIN)
    notes, (prop,) = client.collections.use(NAME), mapping.properties
    text = "The semi-detached Größenangaben\x85of Überall, naïveté;whither\u2003whither.\x1cquite nowhere\u00a0İstanbul"
    uuid = notes.data.insert({"body": text})
    words = search_words(text, prop, mapping)
    assert len(words) > 2
    assert [word for word in words if not finds_by_word(notes, "body", word, str(uuid))] == []
    assert any_word(notes, mapping) == ("body", words[0])
    assert finds_word(notes, "body", words[0])


def test_each_stop_word_is_passed_over_where_the_mapping_says_so(client: weaviate.WeaviateClient) -> None:
    fields: dict[str, dict[str, Any]] = {"plain": {}, "own": {"stopwords": ["fur"], "ascii_fold": True}}
    fields |= {"english": {"stopwords": "en"}, "every": {"stopwords": "none"}}
    properties = [{"name": name, "column": "body", "index": "words", **each} for name, each in fields.items()]
    ensure_collection(client, NAME, note(properties, stopwords=["die"]), ORIGIN)
    notes = client.collections.use(NAME)
    uuid = str(notes.data.insert(dict.fromkeys(fields, "Die the für")))
    found = {name: [w for w in ("die", "the", "für") if finds_by_word(notes, name, w, uuid)] for name in fields}
    assert found == {
        "plain": ["the", "für"],
        "own": ["die", "the"],
        "english": ["die", "für"],
        "every": ["die", "the", "für"],
    }


def test_what_is_indexed_beside_the_values_can_be_filtered_by(client: weaviate.WeaviateClient) -> None:
    mapping = note(index_timestamps=True, index_null_state=True, index_property_length=True)
    ensure_collection(client, NAME, mapping, ORIGIN)
    notes = client.collections.use(NAME)
    full, empty = notes.data.insert({"body": "four"}), notes.data.insert({})
    by_property = Filter.by_property("body")

    def found(filters: _Filters) -> set[Any]:
        return {each.uuid for each in notes.query.fetch_objects(filters=filters).objects}

    assert found(by_property.is_none(True)) == {empty}
    assert found(Filter.by_property("body", length=True).equal(4)) == {full}
    assert found(Filter.by_creation_time().greater_than(datetime(2020, 1, 1, tzinfo=UTC))) == {full, empty}
