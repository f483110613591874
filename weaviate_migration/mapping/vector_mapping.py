"""A named vector of a collection: where its numbers come from, and how Weaviate finds near ones."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from weaviate_migration.mapping.model_mapping import VariableName
from weaviate_migration.mapping.names import NonEmpty, VectorName
from weaviate_migration.mapping.validated_model import Items, Mistake, ValidatedModel, later
from weaviate_migration.mapping.vector_index import VectorIndexMapping

VectorBytes = Literal["float32", "float64", "float16", "int8", "json", "base64"]
Distance = Literal["cosine", "dot", "l2-squared", "hamming", "manhattan"]
OnFailure = Literal["wait", "without_vector"]
Origin = Literal["column", "model", "server", "application"]

# Those of weaviate-client's `Configure.Vectors` that make a vector of an object on the server.
Vectorizer = Literal[
    "custom",
    "img2vec_neural",
    "multi2vec_aws",
    "multi2vec_aws_bedrock",
    "multi2vec_bind",
    "multi2vec_clip",
    "multi2vec_cohere",
    "multi2vec_google",
    "multi2vec_google_gemini",
    "multi2vec_jinaai",
    "multi2vec_nvidia",
    "multi2vec_twelvelabs",
    "multi2vec_voyageai",
    "ref2vec_centroid",
    "text2vec_aws",
    "text2vec_aws_bedrock",
    "text2vec_aws_sagemaker",
    "text2vec_azure_openai",
    "text2vec_cohere",
    "text2vec_contextionary",
    "text2vec_databricks",
    "text2vec_digitalocean",
    "text2vec_google",
    "text2vec_google_aistudio",
    "text2vec_google_gemini",
    "text2vec_google_vertex",
    "text2vec_gpt4all",
    "text2vec_huggingface",
    "text2vec_jinaai",
    "text2vec_mistral",
    "text2vec_model2vec",
    "text2vec_morph",
    "text2vec_nvidia",
    "text2vec_ollama",
    "text2vec_openai",
    "text2vec_transformers",
    "text2vec_voyageai",
    "text2vec_weaviate",
]

_OF_COLUMN, _OF_MODEL = ("bytes", "length"), ("prefix", "query_prefix", "separator", "max_tokens", "on_failure")
_OF_VECTORIZER = ("options", "headers")
# What we say ourselves of each vector: no options of the mapping's.
_OWN_OPTIONS = {
    "name": "is the vector's own `name`",
    "source_properties": "follows from `from`",
    "text_fields": "follows from `from`",
    "quantizer": "belongs into `index`",
    "vector_index_config": "belongs into `index`",
    "vectorize_collection_name": "is always false: collections have the time of their migration in their names",
}


class VectorMapping(ValidatedModel):
    """A named vector of a collection; in a mapping file its name alone will do.

    All vectors of one name have the length of the first one that Weaviate took; objects with another are refused.

    Attributes:
        name: the vector in Weaviate.
        column: the SQLite column that holds its numbers.
        bytes: how the column's values are read; None: a blob as little-endian float32s, a text as JSON.
        length: how many numbers it has: a value with more or fewer makes no vector; None: any number of them.
        from_columns: `from` in a file: the columns whose texts it is made of, by our model or by the server's module.
        prefix: stands before the text that the model gets.
        query_prefix: stands before the text of a query that the model gets.
        separator: stands between the texts of two columns.
        max_tokens: where the text is cut; None: at the model's own limit.
        model: which of the mapping's models makes it, before the object is written.
        on_failure: what becomes of a row whose vector cannot be made now: it waits, or goes without the vector, which
            is filled later.
        vectorizer: the module of the server that makes it; beside `column` or `model` it only serves queries.
        options: of the vectorizer, as weaviate-client names them.
        headers: what the vectorizer needs with each request: for each header the variable that holds it.
        index: how Weaviate finds near ones; None: as the server does it by default.
        distance: how Weaviate measures how near two of them are.
        recall: which share of the nearest neighbours searches have to find; None: as much as indexes commonly do.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    name: VectorName
    column: NonEmpty | None = None
    bytes: VectorBytes | None = later(None)
    length: int | None = later(None, ge=1)
    from_columns: Items[NonEmpty] = later((), alias="from")
    prefix: str = later("")
    query_prefix: str = later("")
    separator: str = later("\n")
    max_tokens: int | None = later(None, ge=1)
    model: NonEmpty | None = later(None)
    on_failure: OnFailure = later("wait")
    vectorizer: Vectorizer | None = later(None)
    options: dict[NonEmpty, JsonValue] = later({})
    headers: dict[NonEmpty, VariableName] = later({})
    index: VectorIndexMapping | None = later(None)
    distance: Distance = later("cosine")
    recall: float | None = later(None, ge=0, le=1)

    @property
    def origin(self) -> Origin:
        """What its numbers come from: a column, our model, the server's module, or the application itself."""
        if self.column is not None:
            return "column"
        if self.model is not None:
            return "model"
        return "application" if self.vectorizer is None else "server"

    @property
    def serves_texts(self) -> bool:
        """Whether readers can search by a text: a model or a module makes a vector of it."""
        return self.model is not None or self.vectorizer is not None

    @property
    def reads_texts(self) -> bool:
        """Whether it has a vectorizer, which makes a vector of every object that has a text."""
        return self.vectorizer is not None and self.vectorizer.startswith("text2vec_")

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        yield from _stray(given, _OF_COLUMN, "column", "needs a `column`: the vector is made, or the application's own")
        yield from _stray(given, _OF_MODEL, "model", "needs a `model`: it is about texts that we embed")
        yield from _stray(given, _OF_VECTORIZER, "vectorizer", "needs a `vectorizer`")
        if given.get("column") is not None and given.get("model") is not None:
            yield ("model",), "cannot stand beside `column`, which holds the vector already"
        if given.get("recall") is not None and given.get("column") is None and given.get("model") is None:
            yield ("recall",), "needs a `column` or a `model`: of other vectors nobody knows the nearest"
        yield from _mistakes_of_texts(given)
        options = given.get("options")
        for option in options if isinstance(options, dict) else ():
            if option in _OWN_OPTIONS:
                yield ("options", option), _OWN_OPTIONS[option]


def _stray(given: dict[str, Any], fields: tuple[str, ...], wanted: str, told: str) -> Iterator[Mistake]:
    """Fields that say something only beside another one, which is not there."""
    if given.get(wanted) is None:
        for field in fields:
            if given.get(field) is not None:
                yield (field,), told


def _mistakes_of_texts(given: dict[str, Any]) -> Iterator[Mistake]:
    model, vectorizer = given.get("model"), given.get("vectorizer")
    if given.get("from"):
        if model is None and vectorizer is None:
            yield ("from",), "needs a `model` or a `vectorizer`, which makes the vector"
    elif model is not None:
        yield ("from",), "is missing: the columns whose texts the model gets"
    elif isinstance(vectorizer, str) and vectorizer.startswith("text2vec_"):
        yield ("from",), "is missing: the columns whose texts the vectorizer gets"


def vector_fields(item: object) -> object:
    """An item of `vectors` as fields: anything else stands for the name."""
    return item if isinstance(item, dict | BaseModel) else {"name": item}
