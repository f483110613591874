"""The tokens of texts for a model that runs elsewhere: counted before they are paid, cut where the mapping says."""

import json
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from weaviate_migration.vectors.model_folder import loading


class TextTokens:
    """Counts and cuts as a model's own tokenizer.

    Args:
        path: the tokenizer's file, `tokenizer.json`.
        max_tokens: where texts are cut; None: nowhere.

    Raises:
        ConfigurationError: it cannot be loaded.
    """

    def __init__(self, path: Path, max_tokens: int | None) -> None:
        self._lock = threading.Lock()
        with loading(path):
            self._tokenizer = Tokenizer.from_file(str(path))
            self._tokenizer.no_padding()
            self._tokenizer.no_truncation()
            if max_tokens is not None:
                self._tokenizer.enable_truncation(max_tokens)
            self._is_cutting = max_tokens is not None
            content = sha256(path.read_bytes()).hexdigest() if self._is_cutting else ""
        self.digest: str | None = json.dumps([content, max_tokens]) if self._is_cutting else None

    def cut(self, texts: Sequence[str]) -> list[str]:
        """Each text up to the end of its last token."""
        if not self._is_cutting:
            return list(texts)
        encoded = self._encoded(texts)
        return [text[: _end(each)] if each.overflowing else text for text, each in zip(texts, encoded, strict=True)]

    def counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, up to where it is cut."""
        return [len(each) for each in self._encoded(texts)]

    def _encoded(self, texts: Sequence[str]) -> list[Encoding]:
        with self._lock:
            return self._tokenizer.encode_batch(list(texts), add_special_tokens=False)


def _end(encoded: Encoding) -> int:
    """Where the last token ends, in characters."""
    return max((end for _, end in encoded.offsets), default=0)
