"""Embedder: from texts to vectors, each text once: what is in the cache is taken from it, the rest made and kept."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from weaviate_migration.base.deadline import is_stopped, pause
from weaviate_migration.base.errors import EmbeddingError, EmbeddingLimitError, TransientEmbeddingError
from weaviate_migration.base.texts import counted
from weaviate_migration.base.vector_tally import EmbeddingTally, money_of
from weaviate_migration.base.waiting import Wait
from weaviate_migration.vectors.cache import Vector, VectorCache
from weaviate_migration.vectors.provider import EmbeddingProvider

HeldElsewhere = Callable[[Sequence[str]], Mapping[str, Vector]]
"""Gives the vectors of texts that somebody else keeps, made by this very model: of those that there are."""

# How often it is looked whether another process has made a text that it is at.
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class CallLimit:
    """How many calls a command may make, over all of its processes.

    Attributes:
        command: whatever tells it from all others: the id of its run.
        most: calls.
    """

    command: str
    most: int


class Embedder:
    """One model, with what it has made already; threads may share it.

    Args:
        provider: the model; the caller closes it.
        cache: where its vectors are kept; the caller closes it.
        limit: of calls; None for as many as are needed.
        price_per_million_tokens: None: it costs nothing, or nobody knows.
    """

    def __init__(
        self,
        provider: EmbeddingProvider,
        cache: VectorCache,
        limit: CallLimit | None = None,
        price_per_million_tokens: float | None = None,
    ) -> None:
        self.provider = provider
        self._cache = cache
        self._limit = limit
        self._price = price_per_million_tokens
        self._lock = threading.Lock()
        self._tally = EmbeddingTally()

    @property
    def tally(self) -> EmbeddingTally:
        """What was asked of it until now."""
        with self._lock:
            return self._tally

    def known(self, texts: Sequence[str | None]) -> list[Vector | None]:
        """The vectors that are in the cache; the model is not asked.

        Args:
            texts: None becomes None.

        Raises:
            StorageError: the cache cannot be read.
            VectorCacheError: it is damaged.
        """
        found = self._known_by_text(texts)
        return [None if text is None else found.get(text) for text in texts]

    def vectors_of(self, texts: Sequence[str | None], held: HeldElsewhere | None = None) -> list[Vector | None]:
        """A vector for each text. What is not in the cache is made, once for each text, and kept at once.

        Args:
            texts: None becomes None. All of them are in memory, with their vectors: the caller gives them in groups.
            held: is asked before the model is; what it gives is kept, too.

        Raises:
            EmbeddingError: the model, or its service, failed; what was made before that is in the cache.
            EmbeddingLimitError: as many calls were made as may be.
            StorageError: the cache cannot be written.
            VectorCacheError: it is damaged.
        """
        found = self._known_by_text(texts)
        missing = [text for text in dict.fromkeys(texts) if text is not None and text not in found]
        if held is not None and missing and (taken := held(missing)):
            found.update(zip(taken, self._kept(list(taken), taken.values()), strict=True))
            missing = [text for text in missing if text not in found]
        made = self._make(missing, found)
        free = sum(text is not None for text in texts) - made
        self._count(EmbeddingTally(texts=free, hits=free))
        return [None if text is None else found[text] for text in texts]

    def _known_by_text(self, texts: Iterable[str | None]) -> dict[str, Vector]:
        distinct = [text for text in dict.fromkeys(texts) if text is not None]
        kept = self._cache.read(self.provider.digest, distinct)
        return {text: vector for text, vector in zip(distinct, kept, strict=True) if vector is not None}

    def _make(self, missing: Sequence[str], found: dict[str, Vector]) -> int:
        """Adds the vectors of all of these; returns how many were made here, and not by another process meanwhile."""
        made, wait = 0, Wait()
        while missing:
            for first in range(0, len(missing), self.provider.batch):
                made += self._make_claimed(missing[first : first + self.provider.batch], found)
            found |= self._known_by_text(left := [text for text in missing if text not in found])
            missing = [text for text in left if text not in found]
            if missing:
                if wait.is_over or is_stopped():
                    raise TransientEmbeddingError(
                        f"{self.provider.name}: another process makes vectors of the same texts, and has not ended.",
                        "The same command goes on once it has.",
                    )
                wait.tell_if_long(f"another process, which is making vectors with {self.provider.name}")
                pause(_LOOK_SECONDS)
        return made

    def _make_claimed(self, texts: Sequence[str], found: dict[str, Vector]) -> int:
        with self._cache.claimed(self.provider.digest, texts) as ours:
            if not ours:
                return 0
            self._refuse_too_many_calls()
            began = time.monotonic()
            answer = self.provider.embed(ours)
            seconds, tokens = time.monotonic() - began, answer.tokens or 0
            kept = self._kept(ours, answer.vectors)
        found.update(zip(ours, kept, strict=True))
        made, money = len(ours), money_of(tokens, self._price)
        self._count(EmbeddingTally(made, misses=made, calls=1, tokens=tokens, seconds=seconds, money=money))
        return made

    def _kept(self, texts: Sequence[str], vectors: Iterable[Vector]) -> list[Vector]:
        """What the cache keeps of them; it knows no names of models."""
        try:
            return self._cache.write(self.provider.digest, texts, vectors)
        except EmbeddingError as error:
            raise EmbeddingError(f"{self.provider.name}: {error.message}", error.hint) from error

    def _refuse_too_many_calls(self) -> None:
        limit = self._limit
        if limit is not None and not self._cache.count_call(limit.command, limit.most):
            raise EmbeddingLimitError(
                f"{self.provider.name}: vectors were asked for {counted(limit.most, 'time')}, "
                "as --max-embedding-calls allows.",
                "What was made is kept: the same command goes on from there, and with a greater number further.",
            )

    def _count(self, more: EmbeddingTally) -> None:
        with self._lock:
            self._tally += more
