"""A model in ONNX's format with its tokenizer, in a folder as sentence-transformers and Hugging Face write it."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from weaviate_migration.base.errors import ConfigurationError, EmbeddingError
from weaviate_migration.vectors.model_folder import fields_in, files_digest, first_line, loading
from weaviate_migration.vectors.provider import Embedded, checked_rows

TEXTS_IN_A_CALL = 256
TOKENS_IN_A_BATCH = 512
"""With what fills up the shorter texts. More at once is slower and takes more memory: with all-MiniLM-L6-v2 it is 115
texts of 28 words a second and 310 MB for the process; with 2,048 tokens 87, and 540 MB (measured, one core)."""
CHARACTERS_IN_A_TOKEN = 100
"""WordPiece takes no longer words. More is not even cut into tokens: a text of megabytes would fill the memory."""
DEFAULT_TOKENS = 512
"""Where no file says where the model ends: what models of BERT's kind take."""


class OnnxFolder:
    """Computes on one thread: a second one makes it slower, where each core has a process already.

    Args:
        folder: has `tokenizer.json`, and where sentence-transformers wrote it, the files that say how the vectors of
            its tokens become one; without them it is their mean, of the length 1.
        model: the file in ONNX's format, somewhere in the folder.
        max_tokens: where texts are cut; None: where the model ends.

    Raises:
        ConfigurationError: it cannot be loaded.
    """

    batch = TEXTS_IN_A_CALL

    def __init__(self, folder: Path, model: Path, max_tokens: int | None) -> None:
        self.name = folder.name
        self._lock = threading.Lock()
        with loading(folder):
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._limit = max_tokens or _tokens_at_most(folder, self._tokenizer)
            self._padding = (self._tokenizer.padding or {}).get("pad_id", 0)
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(self._limit)
            self._pooling = _pooling(folder)
            self._has_length_one = _has_length_one(folder)
            self._session = onnxruntime.InferenceSession(
                model, sess_options=_options(), providers=["CPUExecutionProvider"]
            )
            self._inputs = {each.name for each in self._session.get_inputs()}
            self._output = self._session.get_outputs()[0]
            self.dimension = _width(self._output.shape)
            # A large model keeps its numbers in files beside it, `model.onnx_data`.
            files = [*model.parent.glob("model.onnx*"), folder / "tokenizer.json"]
            self.digest = files_digest(folder, files, "onnx", self._limit, self._pooling, self._has_length_one)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of some texts; those of about the same length are computed together.

        Raises:
            EmbeddingError: the model fails, or gives what is none.
        """
        with self._lock:
            encoded = self._encoded(texts)
            batches = list(_of_like_length([len(each) for each in encoded]))
            computed = [self._computed([encoded[number] for number in batch]) for batch in batches]
        rows = np.concatenate(computed)[np.argsort(np.concatenate(batches))]
        return Embedded(checked_rows(rows, len(texts), self.dimension, self.name), sum(map(len, encoded)))

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, as far as it is embedded."""
        with self._lock:
            return [len(each) for each in self._encoded(texts)]

    def close(self) -> None:
        """Nothing is held but memory."""

    def _encoded(self, texts: Sequence[str]) -> list[Encoding]:
        longest = self._limit * CHARACTERS_IN_A_TOKEN
        return self._tokenizer.encode_batch([text[:longest] for text in texts])

    def _computed(self, encoded: list[Encoding]) -> NDArray[np.float32]:
        """The vectors of one batch."""
        shape = (len(encoded), max(map(len, encoded)))
        ids, mask = np.full(shape, self._padding, np.int64), np.zeros(shape, np.int64)
        for row, each in enumerate(encoded):
            ids[row, : len(each)] = each.ids
            mask[row, : len(each)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}
        try:
            found = self._session.run([self._output.name], {name: given[name] for name in given.keys() & self._inputs})[
                0
            ]
        except Exception as error:  # onnxruntime's errors have no other class in common.
            raise EmbeddingError(
                f"the model {self.name} fails at {shape[0]:,} texts of up to {shape[1]:,} tokens: {first_line(error)}",
                "Where the model takes fewer tokens, say so with `max_tokens`.",
            ) from error
        return self._of_length_one(self._pooled(found, mask))

    def _pooled(self, found: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """One vector for each text, of those of its tokens."""
        if found.ndim == 2:
            return found
        if self._pooling == "cls":
            return found[:, 0]
        weights = mask[:, :, None].astype(np.float32)
        mean: NDArray[np.float32] = (found * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return mean

    def _of_length_one(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self._has_length_one:
            return rows
        scaled: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
        return scaled


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # Errors alone; they are raised, too.
    return options


def _width(shape: list[int | str | None]) -> int | None:
    """How many numbers a vector has, where the model says so."""
    return shape[-1] if isinstance(shape[-1], int) else None


def _tokens_at_most(folder: Path, tokenizer: Tokenizer) -> int:
    """Where the model ends: as sentence-transformers writes it down, or else the tokenizer."""
    told = fields_in(folder / "sentence_bert_config.json").get("max_seq_length")
    truncation: dict[str, Any] = tokenizer.truncation or {}
    return int(told or truncation.get("max_length") or DEFAULT_TOKENS)


def _pooling(folder: Path) -> str:
    """How the vectors of the tokens become one: `mean` of them all, or that of the first, `cls`."""
    fields = fields_in(folder / "1_Pooling" / "config.json")
    ways = {name.removeprefix("pooling_mode_") for name, is_on in fields.items() if is_on is True and "_mode_" in name}
    known = {"mean_tokens": "mean", "cls_token": "cls"}
    if not ways:
        return "mean"
    if len(ways) > 1 or not ways <= known.keys():
        raise ConfigurationError(
            f"the model in {folder} makes its vectors in another way than this project can: {', '.join(sorted(ways))}",
            "Only the mean of all tokens and the first token (`cls`) are known; `sentence_transformers` knows all.",
        )
    return known[ways.pop()]


def _has_length_one(folder: Path) -> bool:
    """Whether vectors are scaled to the length 1; where the folder does not say, they are."""
    path = folder / "modules.json"
    return not path.exists() or "Normalize" in path.read_text(encoding="utf-8")


def _of_like_length(lengths: list[int]) -> Iterator[list[int]]:
    """The numbers of the texts, the shortest first, in batches that are not too large when they are filled up."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[number] > TOKENS_IN_A_BATCH:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
