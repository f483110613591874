"""A model that makes vectors, as a mapping names it: a folder, a name, a service, or a project's own callable."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator

from weaviate_migration.mapping.names import NonEmpty
from weaviate_migration.mapping.validated_model import Mistake, ValidatedModel, later


def _variable_name(name: str) -> str:
    """Validates the name of a variable; what is given instead is not shown, since it may be the key itself."""
    if not _VARIABLE_NAME(name):
        raise ValueError("is no name of a variable of the environment: keys themselves stand in no file")
    return name


_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
VariableName = Annotated[str, AfterValidator(_variable_name)]

# What makes the vectors: a model is one of them.
KINDS = ("folder", "sentence_transformers", "service", "entry_point")
_OF_SERVICE = (
    *("model", "dimensions", "tokenizer", "key", "headers", "batch", "requests_per_minute"),
    "price_per_million_tokens",
)
_HOW_IT_IS_REACHED = ("key", "headers", "batch", "requests_per_minute", "price_per_million_tokens")
_PATHS = ("folder", "tokenizer")


class ModelMapping(ValidatedModel):
    """What makes vectors of texts, before objects are written.

    Attributes:
        folder: of a model's files: `model.onnx` with `tokenizer.json`, or those of model2vec; relative to the mapping
            file's folder.
        sentence_transformers: a name or a folder, as that library takes it.
        service: the base URL of a service that speaks the protocol of OpenAI's embeddings.
        entry_point: the name of a project's own callable, in the group `weaviate_migration.embedding_providers`.
        model: as the service calls it.
        dimensions: how many numbers the service is asked for; None: as many as the model has.
        tokenizer: the file `tokenizer.json` of the service's model: it counts tokens before anything is spent, and cuts
            texts; relative as `folder` is.
        key: the variable of the environment that holds the service's key.
        headers: what else is sent with each request: for each header the variable that holds it.
        batch: how many texts one request has at most.
        requests_per_minute: how many requests the service is sent at most; None: as many as it takes.
        price_per_million_tokens: what the service costs, in any currency.
    """

    folder: NonEmpty | None = later(None)
    sentence_transformers: NonEmpty | None = later(None)
    service: NonEmpty | None = later(None)
    entry_point: NonEmpty | None = later(None)
    model: NonEmpty | None = later(None)
    dimensions: int | None = later(None, ge=1)
    tokenizer: NonEmpty | None = later(None)
    key: VariableName | None = later(None)
    headers: dict[NonEmpty, VariableName] = later({})
    batch: int = later(100, ge=1, le=2048)
    requests_per_minute: int | None = later(None, ge=1)
    price_per_million_tokens: float | None = later(None, ge=0, allow_inf_nan=False)

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that hold what the service wants to be sent."""
        return (*([self.key] if self.key is not None else ()), *self.headers.values())

    def beside(self, folder: Path) -> Self:
        """The same, with its own files found from this folder on, unless their paths are absolute."""
        found = {name: str(folder / path) for name in _PATHS if (path := getattr(self, name)) is not None}
        return self.model_copy(update=found)

    @property
    def identity(self) -> Self:
        """What of it the vectors depend on: not where files lie, nor how a service is reached and paid."""
        named = {name: PurePath(path).name for name in _PATHS if (path := getattr(self, name)) is not None}
        return self.model_copy(update={**_defaults(_HOW_IT_IS_REACHED), **named})

    @classmethod
    def _mistakes(cls, given: dict[str, Any]) -> Iterator[Mistake]:
        named = [kind for kind in KINDS if given.get(kind) is not None]
        if len(named) != 1:
            told = f"has {' and '.join(named)}" if named else "says not what makes the vectors"
            yield (), f"{told}: name one of {', '.join(KINDS)}"
        if "service" not in named:
            for field in _OF_SERVICE:
                if given.get(field) is not None:
                    yield (field,), "only a `service` has it"
        elif given.get("model") is None:
            yield ("model",), "is missing: the name by which the service knows its model"
        if isinstance(url := given.get("service"), str) and (mistake := _url_mistake(url)):
            yield ("service",), mistake


def _defaults(fields: Iterable[str]) -> dict[str, Any]:
    return {name: ModelMapping.model_fields[name].get_default() for name in fields}


def _url_mistake(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return f"is no URL: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be a URL that begins with http:// or https://"
    if parts.username or parts.password:
        return "must have no user or password in it: name the variable that holds the key with `key`"
    return None
