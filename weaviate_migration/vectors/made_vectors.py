"""The vectors that models make from a collection's rows: made where they are lacking, or only looked up."""

import logging
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from weaviate_migration.base.errors import TransientEmbeddingError
from weaviate_migration.base.vector_tally import EmbeddingTally
from weaviate_migration.mapping.embedded_texts import text_maker
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration.vectors.provider import EmbeddingProvider

logger = logging.getLogger(__name__)

# A model that did not answer is not asked again for so long: rows that go without a vector need not wait for it each.
SECONDS_AWAY = 30.0

RowVectors = Mapping[str, NDArray[np.float32] | None]
"""The vectors of a row, by name: None where there is a text and no vector of it. Without a text there is no entry."""

HeldTexts = Callable[[str, Mapping[str, int]], Mapping[str, NDArray[np.float32]]]
"""Gives what somebody else keeps: the vectors that the model of a digest made of texts, each with the position of a row
that has it."""

_Numbers = Sequence[NDArray[np.float32] | None]


class MadeVectors:
    """The vectors of one collection that models make.

    Args:
        vectors: those of the mapping that have a model.
        embedder_of: opens what embeds for one of them; it is asked once for each.
        away_until: the moment until which a model that was away is not asked again, by its digest; who shares it learns
            of it from others.
    """

    def __init__(
        self,
        vectors: Sequence[VectorMapping],
        embedder_of: Callable[[VectorMapping], Embedder],
        away_until: dict[str, float] | None = None,
    ) -> None:
        self._vectors = tuple(vectors)
        self._embedder_of = embedder_of
        self._embedders: dict[str, Embedder] = {}
        self._away_until = {} if away_until is None else away_until

    @property
    def names(self) -> tuple[str, ...]:
        """Of the vectors."""
        return tuple(each.name for each in self._vectors)

    def done(self) -> dict[str, tuple[EmbeddingProvider, EmbeddingTally]]:
        """For each vector that was asked for its model, and what was done so far, by the vector's name."""
        return {name: (embedder.provider, embedder.tally) for name, embedder in self._embedders.items()}

    def make(
        self, columns: Sequence[str], rows: Sequence[Sequence[SqlValue]], held: HeldTexts | None = None
    ) -> list[RowVectors]:
        """The vectors of rows; what the cache lacks is made, and is in the cache from then on.

        Args:
            columns: the names of the rows' columns, in their order.
            held: is asked for what the cache lacks, before a model is.

        Returns:
            Of each row its vectors. One is left out (None) only where a model is away that need not be waited for
            (`on_failure: without_vector`).

        Raises:
            EmbeddingError: a model does not take part; what was made before is in the cache.
            MigrationConflictError: the model is another one than the migration was begun with.
        """
        return _of_rows(self._vectors, columns, rows, lambda vector, texts: self._made(vector, texts, held))

    def known(
        self, columns: Sequence[str], rows: Sequence[Sequence[SqlValue]], names: Container[str] | None = None
    ) -> list[RowVectors]:
        """The vectors of rows as the cache has them, without a call: None where it has none of a row's text.

        Args:
            columns: the names of the rows' columns, in their order.
            names: of the vectors that are wanted; None: all.

        Raises:
            EmbeddingError: the model cannot be opened.
            MigrationConflictError: the model is another one than the migration was begun with.
        """
        wanted = [each for each in self._vectors if names is None or each.name in names]
        return _of_rows(wanted, columns, rows, lambda vector, texts: self._embedder(vector).known(texts))

    def _made(self, vector: VectorMapping, texts: Sequence[str | None], held: HeldTexts | None) -> _Numbers:
        embedder = self._embedder(vector)

        def held_elsewhere(missing: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
            if held is None:
                return {}
            position_of = {text: position for position, text in enumerate(texts)}
            return held(embedder.provider.digest, {text: position_of[text] for text in missing})

        if vector.on_failure == "wait":
            return embedder.vectors_of(texts, held_elsewhere)
        digest = embedder.provider.digest
        if time.monotonic() < self._away_until.get(digest, 0.0):
            return embedder.known(texts)
        try:
            return embedder.vectors_of(texts, held_elsewhere)
        except TransientEmbeddingError as error:
            logger.warning("rows go without the vector %s for now: %s", vector.name, error.message)
            self._away_until[digest] = time.monotonic() + SECONDS_AWAY
            return embedder.known(texts)

    def _embedder(self, vector: VectorMapping) -> Embedder:
        if vector.name not in self._embedders:
            self._embedders[vector.name] = self._embedder_of(vector)
        return self._embedders[vector.name]


def _of_rows(
    vectors: Iterable[VectorMapping],
    columns: Sequence[str],
    rows: Sequence[Sequence[SqlValue]],
    vectors_of: Callable[[VectorMapping, Sequence[str | None]], _Numbers],
) -> list[RowVectors]:
    found: list[dict[str, NDArray[np.float32] | None]] = [{} for _ in rows]
    for vector in vectors:
        texts = list(map(text_maker(vector, columns), rows))
        for of_row, text, numbers in zip(found, texts, vectors_of(vector, texts), strict=True):
            if text is not None:
                of_row[vector.name] = numbers
    return list(found)


def _opens_nothing(vector: VectorMapping) -> Embedder:
    raise AssertionError(f"vector {vector.name} is made by no model")


NO_MADE_VECTORS = MadeVectors((), _opens_nothing)
"""Of a collection whose vectors no model makes."""
