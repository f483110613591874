"""Each vector of a collection: who makes it, and the index that finds near ones; as made, and as the server has it."""

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from weaviate.classes.config import Configure, PQEncoderDistribution, VectorDistances, VectorFilterStrategy
from weaviate.collections.classes.config import NamedVectorConfig

from weaviate_migration.base.errors import MappingError
from weaviate_migration.base.texts import suggestion
from weaviate_migration.mapping import CollectionMapping, VectorMapping
from weaviate_migration.mapping.vector_index import (
    QUANTIZER_OPTIONS,
    FlatIndex,
    QuantizerMapping,
    VectorIndexMapping,
)

SELF_PROVIDED = "self-provided"
# What a mapping names with a text, and weaviate-client with a name of its own.
_ENUMS: Mapping[str, Any] = {
    "filter_strategy": VectorFilterStrategy,
    "encoder_distribution": PQEncoderDistribution,
}
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def vector_configs(mapping: CollectionMapping) -> Any:
    """What the vectors of a collection are made with; one that the mapping does not speak of is the application's own.

    Raises:
        MappingError: weaviate-client does not know a vectorizer, or one of its options.
    """
    return [vector_config(vector, mapping) for vector in mapping.vectors] or Configure.Vectors.self_provided()


def vector_config(vector: VectorMapping, mapping: CollectionMapping) -> Any:
    """What a vector is made with.

    Args:
        mapping: the collection's, which says what properties hold the texts of a vectorizer.

    Raises:
        MappingError: weaviate-client does not know the vectorizer, or one of its options.
    """
    index = _index(vector.index or VectorIndexMapping(), VectorDistances(vector.distance))
    if vector.vectorizer is None:
        return Configure.Vectors.self_provided(name=vector.name, vector_index_config=index)
    make = getattr(Configure.Vectors, vector.vectorizer, None)
    place = f"{mapping.name}: vector `{vector.name}`"
    if make is None:
        raise MappingError(f"{place}: this weaviate-client has no vectorizer `{vector.vectorizer}`", "Upgrade it.")
    options = _vectorizer_options(vector, mapping, set(inspect.signature(make).parameters), place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of options that the client calls deprecated the mapping may speak.
            return make(name=vector.name, vector_index_config=index, **options)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise MappingError(f"{place}: weaviate-client refuses its `options`: {said}") from error
    except (TypeError, ValueError) as error:
        raise MappingError(f"{place}: weaviate-client refuses its `options`: {error}") from error


def _vectorizer_options(
    vector: VectorMapping, mapping: CollectionMapping, known: set[str], place: str
) -> dict[str, Any]:
    """Those of the mapping, and those that we say of each vector."""
    for option in vector.options:
        if option not in known:
            told = suggestion(option, sorted(known - _NO_OPTIONS))
            raise MappingError(f"{place}: `{option}` is no option of {vector.vectorizer}{told}")
    options: dict[str, Any] = dict(vector.options)
    texts = next((name for name in ("source_properties", "text_fields") if name in known), None)
    if texts and vector.from_columns:
        options[texts] = list(mapping.texts_of(vector))
    if "vectorize_collection_name" in known:
        options["vectorize_collection_name"] = False
    elif vector.vectorizer == "custom" and vector.from_columns:
        options["module_config"] = {"vectorizeClassName": False, **(options.get("module_config") or {})}
    return options


# What we say of each vector ourselves.
_NO_OPTIONS = frozenset(
    ["name", "quantizer", "vector_index_config", "source_properties", "text_fields", "vectorize_collection_name"]
)


def _index(index: VectorIndexMapping, distance: VectorDistances) -> Any:
    """The distance is always named: a server may have another default (`DEFAULT_VECTOR_DISTANCE_METRIC`)."""
    if index.type == "dynamic":
        return Configure.VectorIndex.dynamic(
            distance_metric=distance,
            threshold=index.threshold,
            hnsw=_plain_index("hnsw", index.hnsw, distance) if index.hnsw else None,
            flat=_plain_index("flat", index.flat, distance) if index.flat else None,
        )
    return _plain_index(index.type, index, distance)


def _plain_index(kind: str, index: FlatIndex, distance: VectorDistances) -> Any:
    make = Configure.VectorIndex.hnsw if kind == "hnsw" else Configure.VectorIndex.flat
    said = {name: value for name in type(index).model_fields if (value := getattr(index, name)) is not None}
    given = {name: _as_client_has_it(name, value) for name, value in said.items() if name not in ("type", "quantizer")}
    return make(distance_metric=distance, quantizer=_quantizer(index.quantizer), **given)


def _quantizer(quantizer: QuantizerMapping | None) -> Any:
    if quantizer is None:
        return None
    options = {name: getattr(quantizer, name) for name in QUANTIZER_OPTIONS[quantizer.type]}
    given = {name: _as_client_has_it(name, value) for name, value in options.items() if value is not None}
    return getattr(Configure.VectorIndex.Quantizer, quantizer.type)(**given)


def _as_client_has_it(name: str, value: Any) -> Any:
    return _ENUMS[name](value) if name in _ENUMS else value


def vectors_as_made(mapping: CollectionMapping) -> Iterator[tuple[str, str]]:
    """What the mapping says of each vector, each with its name, in words."""
    for vector in mapping.vectors:
        yield f"vector {vector.name}", _made_by(vector)
        yield f"distance of vector {vector.name}", vector.distance
        if vector.vectorizer is not None:
            # Private: what the client sends is not what its models hold, and it has no public way to tell it.
            ((module, sent),) = vector_config(vector, mapping)._to_dict()["vectorizer"].items()
            for option, value in _options({"module": module, **sent}):
                yield f"{option} of vector {vector.name}", value
        if vector.index is not None:
            for option, value in _index_as_made(vector.index):
                yield f"index.{option} of vector {vector.name}", value
    if not mapping.vectors:
        yield "vector default", SELF_PROVIDED


def _made_by(vector: VectorMapping) -> str:
    return SELF_PROVIDED if vector.vectorizer is None else f"of {vector.vectorizer}"


def _options(options: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _options(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", _spoken(value)


def _index_as_made(index: FlatIndex, place: str = "") -> Iterator[tuple[str, str]]:
    for name in type(index).model_fields:
        value = getattr(index, name)
        if isinstance(value, FlatIndex):
            yield from _index_as_made(value, f"{place}{name}.")
        elif isinstance(value, QuantizerMapping):
            yield f"{place}quantizer", value.type
            for option in QUANTIZER_OPTIONS[value.type]:
                if (said := getattr(value, option)) is not None:
                    yield f"{place}quantizer.{option}", _spoken(said)
        elif value is not None:
            yield f"{place}{name}", _spoken(value)


def vectors_as_found(found: Mapping[str, NamedVectorConfig], mapping: CollectionMapping) -> Iterator[tuple[str, str]]:
    """The same of the vectors that a collection on the server has, and what the mapping leaves to it."""
    by_name = {vector.name: vector for vector in mapping.vectors}
    for name, config in found.items():
        told = config.to_dict()
        vectorizer, index = told["vectorizer"], told.get("vectorIndexConfig", {})
        module, expected = vectorizer["vectorizer"], by_name.get(name)
        is_made = expected is not None and expected.vectorizer is not None
        if module == "none":
            yield f"vector {name}", SELF_PROVIDED
        else:
            yield f"vector {name}", _made_by(expected) if expected is not None and is_made else f"of {module}"
            yield f"module of vector {name}", module
        yield f"distance of vector {name}", str(index.get("distanceMetric", "absent"))
        for option, value in _options({**vectorizer["model"], **_properties_of(vectorizer)}):
            yield f"{option} of vector {name}", value
        for option, value in _index_as_found({"type": told.get("vectorIndexType"), **index}):
            yield f"index.{option} of vector {name}", value


def _properties_of(vectorizer: Mapping[str, Any]) -> dict[str, Any]:
    return {"properties": vectorizer["properties"]} if vectorizer.get("properties") else {}


def _index_as_found(index: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    quantizer = next((name for name in QUANTIZER_OPTIONS if name in index), "none")
    yield f"{place}quantizer", quantizer
    for option, value in _flat(index.get(quantizer, {})):
        yield f"{place}quantizer.{option}", _spoken(value)
    for name, value in index.items():
        if name in ("hnsw", "flat"):
            yield from _index_as_found(value, f"{place}{name}.")
        elif not isinstance(value, dict):
            yield f"{place}{_snake(name)}", _spoken(value)


def _flat(options: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{place}{_snake(name)}_")
        else:
            yield f"{place}{_snake(name)}", value


def _snake(name: str) -> str:
    """A name of the server's as weaviate-client and the mapping have it: `efConstruction` is `ef_construction`."""
    return _WORDS.sub("_", name).lower()


def _spoken(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
