"""A model by the library sentence-transformers, which knows all of them, and brings PyTorch."""

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path

from sentence_transformers import SentenceTransformer
from transformers.utils.logging import disable_progress_bar

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.vectors.model_folder import first_line
from weaviate_migration.vectors.provider import Embedded, checked_rows

TEXTS_IN_A_CALL = 256


class SentenceTransformersModel:
    """A model by its name, which is downloaded at its first use, or by its folder.

    Args:
        max_tokens: where texts are cut; None: where the model ends.

    Raises:
        ConfigurationError: it cannot be loaded.
    """

    batch = TEXTS_IN_A_CALL

    def __init__(self, name: str, max_tokens: int | None) -> None:
        self.name = Path(name).name
        self._lock = threading.Lock()
        disable_progress_bar()  # It would be drawn into what a command shows.
        try:
            self._model = SentenceTransformer(name)
        except Exception as error:  # The library has no class for what may go wrong.
            raise ConfigurationError(
                f"sentence-transformers cannot load the model {name}: {first_line(error)}",
                "Give a name that it knows, or a folder; a model that is not here yet is downloaded.",
            ) from error
        if max_tokens is not None:
            self._model.max_seq_length = max_tokens
        self.dimension: int | None = self._model.get_embedding_dimension()
        self.digest = self._digest()

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of some texts.

        Raises:
            EmbeddingError: the model gives what is none.
        """
        with self._lock:
            rows = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return Embedded(checked_rows(rows, len(texts), self.dimension, self.name), sum(self.tokens(texts)))

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, as far as it is embedded."""
        with self._lock:
            found = self._model.preprocess(list(texts))["attention_mask"]
        return [int(each) for each in found.sum(axis=1)]

    def close(self) -> None:
        """Nothing is held but memory."""

    def _digest(self) -> str:
        """Of all numbers of the model, wherever they came from, and of where it cuts and how it makes one of many."""
        ways = [str(getattr(module, "pooling_mode", type(module).__name__)) for module in self._model]
        digest = hashlib.sha256(json.dumps(["sentence_transformers", self._model.max_seq_length, ways]).encode())
        for name, numbers in sorted(self._model.state_dict().items()):
            digest.update(f"\n{name} {numbers.dtype} {tuple(numbers.shape)}\n".encode())
            digest.update(numbers.detach().cpu().float().numpy().tobytes())
        return digest.hexdigest()
