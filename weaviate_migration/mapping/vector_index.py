"""The index that Weaviate finds near vectors by, as a mapping says it: every name is that of weaviate-client."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from weaviate_migration.mapping.given_fields import fields_of
from weaviate_migration.mapping.validated_model import Mistake, ValidatedModel, in_fields_or_else, later

IndexType = Literal["hnsw", "flat", "dynamic"]
QuantizerType = Literal["rq", "bq", "pq", "sq", "none"]
FilterStrategy = Literal["sweeping", "acorn", "pathseer"]

# The options of each quantizer, as weaviate-client names those of `Configure.VectorIndex.Quantizer`.
QUANTIZER_OPTIONS: dict[str, tuple[str, ...]] = {
    "rq": ("bits", "rescore_limit", "cache"),
    "bq": ("rescore_limit", "cache"),
    "pq": ("centroids", "segments", "training_limit", "encoder_distribution"),
    "sq": ("rescore_limit", "training_limit", "cache"),
    "none": (),
}


class QuantizerMapping(ValidatedModel):
    """How vectors are made smaller for the index; in a mapping file its type alone will do.

    Attributes:
        type: rotational (`rq`), binary (`bq`), product (`pq`) or scalar (`sq`) quantization, or `none`, whatever the
            server's default is.
        bits: of each number, for `rq`: 8 or 1.
        rescore_limit: how many of the nearest are measured again, by the whole vectors.
        cache: whether the small vectors are held in memory, in an index of the type `flat`.
        training_limit: how many vectors are looked at first, for `pq` and `sq`.
        centroids: for `pq`.
        segments: for `pq`.
        encoder_distribution: for `pq`.
    """

    type: QuantizerType
    bits: Literal[1, 8] | None = later(None)
    rescore_limit: int | None = later(None, ge=0)
    cache: bool | None = later(None)
    training_limit: int | None = later(None, ge=1)
    centroids: int | None = later(None, ge=1)
    segments: int | None = later(None, ge=1)
    encoder_distribution: Literal["log-normal", "normal"] | None = later(None)

    @model_serializer(mode="wrap")
    def _as_given(self, handler: SerializerFunctionWrapHandler) -> Any:
        """Its type alone, where there is nothing else to say."""
        fields = handler(self)
        return fields if len(fields) > 1 else self.type

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        allowed = QUANTIZER_OPTIONS.get(str(given.get("type")))
        for field in cls.model_fields if allowed is not None else ():
            if field not in ("type", *(allowed or ())) and given.get(field) is not None:
                yield (field,), f"is no option of `{given['type']}`"


def _quantizer_fields(given: object) -> object:
    """A quantizer as fields: anything else stands for its type."""
    return given if given is None or isinstance(given, dict | BaseModel) else {"type": given}


def _as_given(schema: dict[str, Any]) -> None:
    """The JSON schema of what people write: a quantizer is fields, or its type."""
    quantizer = schema["properties"]["quantizer"]
    fields = next(each for each in quantizer.pop("anyOf") if each != {"type": "null"})
    quantizer |= in_fields_or_else(fields, "string")


class FlatIndex(ValidatedModel):
    """An index that measures every vector; see weaviate-client's `Configure.VectorIndex.flat`."""

    model_config = ConfigDict(json_schema_extra=_as_given)

    quantizer: Annotated[QuantizerMapping | None, BeforeValidator(_quantizer_fields)] = later(None)
    vector_cache_max_objects: int | None = later(None, ge=0)


class HnswIndex(FlatIndex):
    """An index that is a graph; see weaviate-client's `Configure.VectorIndex.hnsw`."""

    ef: int | None = later(None, ge=-1)
    ef_construction: int | None = later(None, ge=4)
    max_connections: int | None = later(None, ge=4)
    dynamic_ef_min: int | None = later(None, ge=1)
    dynamic_ef_max: int | None = later(None, ge=1)
    dynamic_ef_factor: int | None = later(None, ge=1)
    flat_search_cutoff: int | None = later(None, ge=0)
    filter_strategy: FilterStrategy | None = later(None)
    cleanup_interval_seconds: int | None = later(None, ge=0)

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        quantizer = fields_of(_quantizer_fields(given.get("quantizer")))
        for field in ("cache", *(("rescore_limit",) if quantizer.get("type") == "bq" else ())):
            if quantizer.get(field) is not None:
                yield ("quantizer", field), "only an index of the type `flat` has it"


class VectorIndexMapping(HnswIndex):
    """The index of a vector; what it does not say is left to the server.

    Attributes:
        type: `dynamic` is `flat` at first, and `hnsw` from `threshold` objects on.
        threshold: of `dynamic`.
        hnsw: of `dynamic`: what it becomes.
        flat: of `dynamic`: what it is at first.
    """

    type: IndexType = "hnsw"
    threshold: int | None = later(None, ge=1)
    hnsw: HnswIndex | None = later(None)
    flat: FlatIndex | None = later(None)

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        kind = given.get("type", "hnsw")
        if kind == "hnsw":
            yield from super()._mistakes(given)
        allowed = _FIELDS_OF.get(str(kind))
        for field in cls.model_fields if allowed is not None else ():
            if field not in (allowed or ()) and given.get(field) is not None:
                where = f": say it within `{_home_of(field)}`" if kind == "dynamic" else ""
                yield (field,), f"an index of the type `{kind}` has no such field{where}"


_FIELDS_OF: dict[str, frozenset[str]] = {
    "hnsw": frozenset(["type", *HnswIndex.model_fields]),
    "flat": frozenset(["type", *FlatIndex.model_fields]),
    "dynamic": frozenset(["type", "threshold", "hnsw", "flat"]),
}


def _home_of(field: str) -> str:
    """Where a `dynamic` index says it."""
    return "flat` or `hnsw" if field in FlatIndex.model_fields else "hnsw"
