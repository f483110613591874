"""A static model: a table with a vector for each token; a text's vector is their mean. Thousands of texts a second."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model2vec import StaticModel

from weaviate_migration.vectors.model_folder import files_digest, loading
from weaviate_migration.vectors.provider import Embedded, checked_rows

TEXTS_IN_A_CALL = 1024
"""A tenth of a second."""


class _CountingModel(StaticModel):
    """Counts the tokens that it looks up: to cut the texts a second time would take as long as all else together."""

    counted = 0

    def tokenize(self, sentences: Sequence[str], *arguments: Any, **named: Any) -> list[list[int]]:
        found: list[list[int]] = super().tokenize(sentences, *arguments, **named)
        self.counted += sum(map(len, found))
        return found


class Model2VecFolder:
    """The model in a folder as model2vec, or sentence-transformers for static models, writes it.

    Args:
        max_tokens: where texts are cut; None: where the model's files say, or at 512 tokens.

    Raises:
        ConfigurationError: it cannot be loaded.
    """

    batch = TEXTS_IN_A_CALL

    def __init__(self, folder: Path, max_tokens: int | None) -> None:
        self.name = folder.name
        self._lock = threading.Lock()
        with loading(folder):
            # A folder that is there is never looked for in the network.
            model = _CountingModel.from_pretrained(folder)
            self._limit = max_tokens or model.max_length
            model.max_length = self._limit
            self._model = model
            self.dimension = int(model.dim)
            files = [path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors")]
            self.digest = files_digest(folder, files, "model2vec", self._limit)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of some texts.

        Raises:
            EmbeddingError: the table holds what is no number.
        """
        with self._lock:
            before = self._model.counted
            rows = self._model.encode(list(texts), use_multiprocessing=False)
            tokens = self._model.counted - before
        return Embedded(checked_rows(rows, len(texts), self.dimension, self.name), tokens)

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, as far as it is embedded."""
        longest = None if self._limit is None else self._limit * self._model.median_token_length
        with self._lock:
            return [len(each) for each in self._model.tokenize([text[:longest] for text in texts])]

    def close(self) -> None:
        """Nothing is held but memory."""
