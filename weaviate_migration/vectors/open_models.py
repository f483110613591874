"""The models of a process: each is opened when it is first needed, and closed with all others at the end."""

import secrets
from collections.abc import Mapping as ReadOnlyMapping
from functools import partial
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from weaviate_migration.base.endings import Endings
from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError, StorageError, VectorCacheError
from weaviate_migration.base.repeats import RepeatLimits
from weaviate_migration.mapping import CollectionMapping, Mapping
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.embedder import CallLimit, Embedder
from weaviate_migration.vectors.made_vectors import NO_MADE_VECTORS, MadeVectors
from weaviate_migration.vectors.open_provider import DEFAULT_REPEATS, open_provider
from weaviate_migration.vectors.provider import EmbeddingProvider

Digests = ReadOnlyMapping[str, str]
"""Of the models of a collection, by the vector that each makes."""


class OpenModels:
    """Opens the models of mappings, and the cache of what they have made.

    Args:
        cache: its file, or the URL of a PostgreSQL database.
        limits: how often a service is asked again where it failed for a reason that may pass.
        most_calls: how often models may be asked; None: any number of times.
        command: tells a command, or a run, from all others: its processes share that number. None: this is all of it.
    """

    def __init__(
        self,
        cache: Path | str,
        limits: RepeatLimits = DEFAULT_REPEATS,
        most_calls: int | None = None,
        command: str | None = None,
    ) -> None:
        self._cache_place = cache
        self._limits = limits
        self._limit = None if most_calls is None else CallLimit(command or secrets.token_hex(8), most_calls)
        self._open = Endings()
        self._cache: VectorCache | None = None
        self._providers: dict[tuple[str, int | None], EmbeddingProvider] = {}
        self._away_until: dict[str, float] = {}
        self._opening = Lock()

    def __enter__(self) -> Self:
        """Opens nothing yet."""
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes what was opened."""
        self._open.__exit__(error_type, error, trace)

    def made_vectors(self, mapping: Mapping, collection: CollectionMapping, digests: Digests) -> MadeVectors:
        """The vectors of a collection that models make; no model is opened before it is needed.

        Args:
            digests: of the models that the migration was begun with; a vector that is not among them may have any.
        """
        if not (made := collection.made_vectors):
            return NO_MADE_VECTORS
        return MadeVectors(made, partial(self._embedder_of, mapping, collection, digests), self._away_until)

    def digests(self, mapping: Mapping, collection: CollectionMapping) -> dict[str, str]:
        """The digests of a collection's models as they are now, by vector.

        Raises:
            ConfigurationError: a model is not there, or what opens it is not installed.
            EmbeddingError: a model cannot be opened.
        """
        return {each.name: self._provider(mapping, each).digest for each in collection.made_vectors}

    def refuse_unusable_cache(self, mapping: Mapping) -> None:
        """Makes the cache, where models make any of a mapping's vectors.

        Raises:
            ConfigurationError: it cannot be made or written, is damaged, or is no file of ours.
        """
        if not mapping.makes_vectors:
            return
        try:
            self._opened_cache().make()
        except (StorageError, VectorCacheError) as error:
            raise ConfigurationError(error.message, error.hint) from error

    def embedder(self, mapping: Mapping, vector: VectorMapping) -> Embedder:
        """What embeds texts for one vector, with a tally of its own.

        Raises:
            ConfigurationError: the model is not there, or what opens it is not installed.
            EmbeddingError: the model cannot be opened.
        """
        provider = self._provider(mapping, vector)
        return Embedder(
            provider, self._opened_cache(), self._limit, model_that_makes(mapping, vector).price_per_million_tokens
        )

    def _embedder_of(
        self, mapping: Mapping, collection: CollectionMapping, digests: Digests, vector: VectorMapping
    ) -> Embedder:
        refuse_other_models(collection, {vector.name: self._provider(mapping, vector).digest}, digests)
        return self.embedder(mapping, vector)

    def _provider(self, mapping: Mapping, vector: VectorMapping) -> EmbeddingProvider:
        model = model_that_makes(mapping, vector)
        key = model.model_dump_json(), vector.max_tokens
        with self._opening:
            if key not in self._providers:
                provider = open_provider(model, vector.max_tokens, self._limits)
                self._open.callback(provider.close)
                self._providers[key] = provider
            return self._providers[key]

    def _opened_cache(self) -> VectorCache:
        with self._opening:
            if self._cache is None:
                self._cache = VectorCache(self._cache_place)
                self._open.callback(self._cache.close)
            return self._cache


def refuse_other_models(collection: CollectionMapping, now: Digests, before: Digests) -> None:
    """Raises MigrationConflictError where a model is another one than the migration was begun with."""
    for each in collection.made_vectors:
        digest = now.get(each.name)
        if digest is not None and before.get(each.name, digest) != digest:
            raise MigrationConflictError(
                f"The model `{each.model}`, which makes the vector {collection.name}.{each.name}, is another one than "
                f"the migration was begun with: digest {digest[:12]}, before {before[each.name][:12]}.",
                "Put the one back that was there. Name the other one in the mapping, by a folder or a name of its own: "
                "`weaviate-migration migrate` then builds a new version with it.",
            )


def model_that_makes(mapping: Mapping, vector: VectorMapping) -> ModelMapping:
    """The model of one of a collection's `made_vectors`."""
    found = mapping.model_of(vector)
    assert found is not None, "only vectors with a model are made"
    return found
