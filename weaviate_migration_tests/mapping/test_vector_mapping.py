"""Where a vector comes from, its index, and the models that make it: what is right, and what is wrong on which line."""

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import ValidationError
from weaviate.classes.config import Configure

from weaviate_migration.base.errors import MappingError
from weaviate_migration.mapping import Mapping, VectorMapping, read_mapping
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.mapping.vector_index import QUANTIZER_OPTIONS, FlatIndex, HnswIndex
from weaviate_migration.mapping.vector_mapping import Origin, Vectorizer

MODELS: dict[str, Any] = {
    "minilm": {"folder": "models/minilm"},
    "big": {"sentence_transformers": "all-MiniLM-L6-v2"},
    "own": {"entry_point": "my-embedder"},
    "openai": {
        "service": "https://api.openai.com/v1",
        "model": "text-embedding-3-small",
        "dimensions": 1536,
        "key": "OPENAI_API_KEY",
        "batch": 50,
        "requests_per_minute": 500,
        "price_per_million_tokens": 0.02,
        "headers": {"OpenAI-Project": "PROJECT"},
    },
}
MADE = {"name": "v", "from": ["title"], "model": "minilm"}


def given(vectors: list[Any], models: object = MODELS, **collection: object) -> dict[str, Any]:
    properties = [
        {"name": "title", "column": "title", "index": "words"},
        {"name": "year", "column": "year", "type": "int"},
        {"name": "tag", "column": "extra", "index": "whole", "json_key": "tag"},
    ]
    notes = {"name": "Note", "table": "notes", "properties": properties, "vectors": vectors, **collection}
    return {"name": "notes", "models": models, "collections": [notes]}


def mapping(*vectors: object, models: object = MODELS) -> Mapping:
    return Mapping.model_validate(given(list(vectors), models))


def mistakes(folder: Path, content: dict[str, Any]) -> list[str]:
    path = folder / "map.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    with pytest.raises(MappingError) as error:
        read_mapping(path)
    return [line.split(": ", 1)[1] for line in str(error.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("fields", "origin"),
    [
        ({}, "application"),
        ({"column": "blob", "bytes": "float32", "index": {"quantizer": "rq"}}, "column"),
        ({"from": ["title"], "model": "minilm"}, "model"),
        ({"from": ["title"], "vectorizer": "text2vec_ollama"}, "server"),
        ({"from": ["title"], "vectorizer": "text2vec_ollama", "column": "blob"}, "column"),
        ({"from": ["title"], "vectorizer": "text2vec_ollama", "model": "minilm"}, "model"),
        ({"vectorizer": "img2vec_neural", "options": {"image_fields": ["picture"]}}, "server"),
    ],
)
def test_where_a_vector_comes_from(fields: dict[str, Any], origin: Origin) -> None:
    made = mapping({"name": "v", **fields})
    (vector,) = made.collections[0].vectors
    assert vector.origin == origin
    assert made.collections[0].provided_vectors == (("v",) if origin == "application" else ())
    assert made.collections[0].made_vectors == ((vector,) if origin == "model" else ())
    assert Mapping.model_validate_json(made.model_dump_json()) == made
    assert Mapping.model_validate(made.model_dump()).digest == made.digest


@pytest.mark.parametrize(
    ("vector", "place", "message"),
    [
        ({"name": "v", "from": ["title"]}, "from", "needs a `model` or a `vectorizer`, which makes the vector"),
        ({"name": "v", "model": "minilm"}, "from", "is missing: the columns whose texts the model gets"),
        ({"name": "v", "vectorizer": "text2vec_openai"}, "from", "is missing: the columns whose texts the vectorizer"),
        ({**MADE, "column": "blob"}, "model", "cannot stand beside `column`, which holds the vector already"),
        ({**MADE, "bytes": "json"}, "bytes", "needs a `column`: the vector is made, or the application's own"),
        ({**MADE, "model": "minlm"}, "model", "`minlm` is none of the mapping's `models`; did you mean `minilm`?"),
        ({**MADE, "from": [7]}, "from[0]", "must be text, but YAML reads a number (7) here"),
        ({**MADE, "from": "title"}, "from", "must be a list, not `title`"),
        ({**MADE, "from_columns": ["title"]}, "from_columns", "is no field; did you mean"),
        ({**MADE, "max_tokens": 0}, "max_tokens", "must be 1 at least, not 0"),
        ({**MADE, "on_failure": "skip"}, "on_failure", "`skip` is not allowed; Allowed: wait, without_vector"),
        ({**MADE, "options": {"model": "m"}}, "options", "needs a `vectorizer`"),
        ({**MADE, "headers": {"X-Key": "K"}}, "headers", "needs a `vectorizer`"),
        ({"name": "v", "column": "b", "prefix": "query: "}, "prefix", "needs a `model`: it is about texts that we"),
        ({"name": "v", "on_failure": "without_vector"}, "on_failure", "needs a `model`: it is about texts that we"),
        (
            {"name": "v", "from": ["title"], "vectorizer": "text2vec_opnai"},
            "vectorizer",
            "`text2vec_opnai` is not allowed; did you mean `text2vec_openai`?",
        ),
        (
            {"name": "v", "from": ["title", "year"], "vectorizer": "text2vec_openai"},
            "from[1]",
            "no text property is made from `year`, and the server's vectorizer reads properties",
        ),
        (
            {"name": "v", "from": ["extra"], "vectorizer": "text2vec_openai"},
            "from[0]",
            "no text property is made from `extra`, and the server's vectorizer reads properties",
        ),
        *(
            ({"name": "v", "from": ["title"], "vectorizer": "text2vec_openai", "options": {name: True}}, place, told)
            for name, place, told in [
                ("vectorize_collection_name", "options.vectorize_collection_name", "is always false: collections have"),
                ("source_properties", "options.source_properties", "follows from `from`"),
                ("quantizer", "options.quantizer", "belongs into `index`"),
            ]
        ),
        (
            {"name": "v", "from": ["title"], "vectorizer": "text2vec_openai", "headers": {"X-Key": "sk-1 2"}},
            "headers.X-Key",
            "is no name of a variable of the environment",
        ),
        ({"name": "v", "index": "hnsw"}, "index", "must be fields with values, not `hnsw`"),
        ({"name": "v", "index": {"type": "hsnw"}}, "index.type", "`hsnw` is not allowed; did you mean `hnsw`?"),
        ({"name": "v", "index": {"efc": 1}}, "index.efc", "is no field; did you mean `ef`?"),
        (
            {"name": "v", "index": {"type": "flat", "ef": 9}},
            "index.ef",
            "an index of the type `flat` has no such field",
        ),
        ({"name": "v", "index": {"threshold": 9}}, "index.threshold", "an index of the type `hnsw` has no such field"),
        (
            {"name": "v", "index": {"type": "dynamic", "ef": 9}},
            "index.ef",
            "an index of the type `dynamic` has no such field: say it within `hnsw`",
        ),
        (
            {"name": "v", "index": {"type": "dynamic", "quantizer": "rq"}},
            "index.quantizer",
            "an index of the type `dynamic` has no such field: say it within `flat` or `hnsw`",
        ),
        ({"name": "v", "index": {"type": "dynamic", "hnsw": {"eff": 9}}}, "index.hnsw.eff", "is no field; did you"),
        ({"name": "v", "index": {"quantizer": "qr"}}, "index.quantizer.type", "`qr` is not allowed; Allowed: rq, bq"),
        (
            {"name": "v", "index": {"quantizer": {"type": "bq", "bits": 1}}},
            "index.quantizer.bits",
            "is no option of `bq`",
        ),
        (
            {"name": "v", "index": {"quantizer": {"type": "bq", "rescore_limit": 9}}},
            "index.quantizer.rescore_limit",
            "only an index of the type `flat` has it",
        ),
        (
            {"name": "v", "index": {"quantizer": {"type": "rq", "cache": True}}},
            "index.quantizer.cache",
            "only an index of the type `flat` has it",
        ),
    ],
)
def test_a_mistake_in_a_vector(tmp_path: Path, vector: dict[str, Any], place: str, message: str) -> None:
    (found,) = mistakes(tmp_path, given([vector]))
    assert found.startswith(f"collections[0].vectors[0].{place} (Note.v): {message}")


@pytest.mark.parametrize(
    ("model", "place", "message"),
    [
        (
            {},
            "models.m",
            "says not what makes the vectors: name one of folder, sentence_transformers, service, entry_p",
        ),
        ({"folder": "a", "entry_point": "b"}, "models.m", "has folder and entry_point: name one of folder, sentence_t"),
        ({"folder": "a", "key": "KEY"}, "models.m.key", "only a `service` has it"),
        ({"folder": "a", "dimensions": 3}, "models.m.dimensions", "only a `service` has it"),
        ({"service": "https://host/v1"}, "models.m.model", "is missing: the name by which the service knows its model"),
        (
            {"service": "host:80", "model": "x"},
            "models.m.service",
            "must be a URL that begins with http:// or https://",
        ),
        ({"service": "http://u:p@h", "model": "x"}, "models.m.service", "must have no user or password in it"),
        ({"service": "http://h", "model": "x", "key": "sk-12"}, "models.m.key", "is no name of a variable"),
        ({"service": "http://h", "model": "x", "batch": 0}, "models.m.batch", "must be 1 at least, not 0"),
        ({"folder": "a", "fodler": "b"}, "models.m.fodler", "is no field; did you mean `folder`?"),
        ("minilm", "models.m", "must be fields with values, not `minilm`"),
    ],
)
def test_a_mistake_in_a_model(tmp_path: Path, model: object, place: str, message: str) -> None:
    (found,) = mistakes(tmp_path, given([], {"m": model}))
    assert found.startswith(f"{place}: {message}")


def test_a_model_may_be_called_as_a_field_is(tmp_path: Path) -> None:
    """What is no field of a model is told so, whatever the model is called."""
    (found,) = mistakes(tmp_path, given([], {"vectors": {"folder": "a", "colum": "b"}}))
    assert found.startswith("models.vectors.colum: is no field; Allowed: ")
    assert "folder, sentence_transformers" in found


def test_columns_that_vectors_are_made_from_are_not_omitted(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, given([{**MADE, "from": ["title", "Body"]}], omit={"BODY": "long"}))
    assert found.startswith("collections[0].omit.BODY (Note): column `BODY` is also mapped, in vectors[0]")


def test_files_of_models_are_found_from_the_mapping_file_and_may_move(tmp_path: Path) -> None:
    read = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
        path = folder / "map.yaml"
        models = {**MODELS, "openai": {**MODELS["openai"], "tokenizer": "../tokenizer.json"}}
        path.write_text(yaml.safe_dump(given([MADE], models)), encoding="utf-8")
        read.append(read_mapping(path))
        assert read[-1].models["minilm"].folder == str(folder / "models" / "minilm")
        assert read[-1].models["openai"].tokenizer == str(folder / ".." / "tokenizer.json")
    assert read[0].digest == read[1].digest
    assert read[0].digest == mapping(MADE, models={**models, "minilm": {"folder": "minilm"}}).digest
    absolute = mapping(MADE, models={"minilm": {"folder": str(tmp_path)}})
    assert absolute.beside(tmp_path / "elsewhere").models["minilm"].folder == str(tmp_path)


UNALTERED: list[dict[str, Any]] = [
    {"key": "OTHER_KEY"},
    {"headers": {}},
    {"batch": 7},
    {"requests_per_minute": 1},
    {"price_per_million_tokens": 9.9},
]


@pytest.mark.parametrize("change", UNALTERED, ids=lambda change: next(iter(change)))
def test_how_a_service_is_reached_and_paid_makes_no_other_migration(change: dict[str, Any]) -> None:
    assert ModelMapping(**{**MODELS["openai"], **change}) != ModelMapping(**MODELS["openai"])
    changed = {**MODELS, "openai": {**MODELS["openai"], **change}}
    assert mapping(MADE, models=changed).digest == mapping(MADE).digest


def test_names_of_headers_and_what_a_failure_does_make_no_other_migration() -> None:
    served = {"name": "s", "from": ["title"], "vectorizer": "text2vec_openai"}
    plain = mapping(MADE, served)
    assert mapping({**MADE, "on_failure": "without_vector", "query_prefix": "query: "}, served).digest == plain.digest
    assert mapping(MADE, {**served, "headers": {"X-OpenAI-Api-Key": "KEY"}}).digest == plain.digest


@pytest.mark.parametrize(
    "change",
    [
        {"from": ["title", "year"]},
        {"prefix": "passage: "},
        {"separator": " "},
        {"max_tokens": 9},
        {"model": "openai"},
        {"vectorizer": "text2vec_ollama"},
        {"vectorizer": "text2vec_ollama", "options": {"model": "nomic"}},
        {"index": {}},
        {"index": {"type": "flat"}},
        {"index": {"quantizer": "rq"}},
        {"index": {"quantizer": {"type": "rq", "bits": 1}}},
    ],
)
def test_what_alters_vectors_makes_another_migration(change: dict[str, Any]) -> None:
    made = mapping({**MADE, **change})
    assert made.digest != mapping(MADE).digest
    assert Mapping.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    "change",
    [
        {"minilm": {"folder": "models/e5"}},
        {"openai": {**MODELS["openai"], "dimensions": 256}},
        {"openai": {**MODELS["openai"], "model": "text-embedding-3-large"}},
        {"openai": {**MODELS["openai"], "tokenizer": "tokenizer.json"}},
    ],
)
def test_another_model_makes_another_migration(change: dict[str, Any]) -> None:
    assert mapping(MADE, models={**MODELS, **change}).digest != mapping(MADE).digest


def test_every_vectorizer_of_the_client_can_be_named() -> None:
    known = {name for name in vars(Configure.Vectors) if not name.startswith("_")}
    assert known - {"self_provided"} <= set(get_args(Vectorizer))


def test_a_quantizer_may_be_its_type_alone() -> None:
    short, long = ({"name": "v", "index": {"quantizer": each}} for each in ("rq", {"type": "rq"}))
    assert mapping(short) == mapping(long)
    assert mapping(long).collections[0].model_dump(mode="json")["vectors"][0]["index"] == {
        "quantizer": "rq",
        "type": "hnsw",
    }


def test_every_field_is_known_to_the_reader() -> None:
    """Its messages name the fields of what stands in a field: of each index, too."""
    assert set(FlatIndex.model_fields) < set(HnswIndex.model_fields)
    assert {option for options in QUANTIZER_OPTIONS.values() for option in options} | {"type"} == set(
        type(VectorMapping.model_validate({"name": "v", "index": {"quantizer": "rq"}}).index.quantizer).model_fields  # type: ignore[union-attr]
    )


def test_mistakes_of_vectors_are_told_together() -> None:
    with pytest.raises(ValidationError) as error:
        mapping({"name": "v", "from": ["title"], "distance": "near"}, {"name": "w", "model": "none"})
    assert sorted(each["loc"][3:] for each in error.value.errors()) == [
        (0, "distance"),
        (0, "from"),
        (1, "from"),
        (1, "model"),
    ]


def served(header: str, variable: str, name: str) -> dict[str, Any]:
    return {"name": name, "from": ["title"], "vectorizer": "text2vec_openai", "headers": {header: variable}}


def test_what_is_needed_of_the_environment_says_what_needs_it() -> None:
    made = mapping(served("X-OpenAI-Api-Key", "KEY", "s"), served("X-Cohere-Api-Key", "OTHER", "t"))
    assert made.headers == {"X-OpenAI-Api-Key": "KEY", "X-Cohere-Api-Key": "OTHER"}
    assert made.variables == {
        "OPENAI_API_KEY": "model `openai`",
        "PROJECT": "model `openai`",
        "KEY": "vector `s` of Note",
        "OTHER": "vector `t` of Note",
    }
    assert mapping({"name": "v"}, models={}).variables == {}


def test_a_header_has_one_value(tmp_path: Path) -> None:
    """HTTP does not tell capitals in names of headers from small letters."""
    vectors = [served("X-Key", "KEY", "s"), served("x-key", "OTHER", "t"), served("X-KEY", "KEY", "u")]
    (found,) = mistakes(tmp_path, given(vectors))
    assert found.startswith("collections[0].vectors[1].headers.x-key (Note.t): is KEY in collections[0].vectors[0]: a")


def test_without_vectorizers_the_server_makes_no_vector() -> None:
    carried = {**served("X-Key", "KEY", "c"), "column": "blob"}
    (collection,) = mapping(served("X-Key", "KEY", "s"), carried, MADE).collections
    assert [(each.name, each.vectorizer) for each in collection.without_vectorizers.vectors] == [
        ("c", None),
        ("v", None),
    ]
    assert collection.without_vectorizers.variables == {}
