"""Texts through the cache, as a migration has them made, and through the bare model: both in this process."""

import time
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np
import onnxruntime
from model2vec import StaticModel
from tokenizers import Tokenizer

from benchmarks.embedded_file import EmbeddedFile, Model
from benchmarks.measurement import MeasuredCommandError, Measurement
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration.vectors.open_provider import open_provider

# As a load reads them.
TEXTS_AT_ONCE = 1000
# What is the fastest for MiniLM on one thread: few texts, of one length (measured).
TEXTS_IN_A_BATCH = 8
MINILM_TOKENS = 256
_numbers = count(1)


def measure_embedding(file: EmbeddedFile, model: Model) -> Measurement:
    """An empty cache is filled with the vectors of all texts; what it is compared with is the bare model."""
    cache = file.folder / f"vectors-{next(_numbers)}.sqlite"
    provider = open_provider(ModelMapping(folder=str(file.model(model))))
    bare = {"static": _bare_static, "minilm": _bare_minilm}[model](file.model(model))
    with closing(provider), closing(VectorCache(cache)) as opened:
        embedder = Embedder(provider, opened)
        began = time.process_time()
        for start in range(0, len(file.texts), TEXTS_AT_ONCE):
            embedder.vectors_of(file.texts[start : start + TEXTS_AT_ONCE])
        seconds = time.process_time() - began
    if embedder.tally.misses != len(file.texts):
        raise MeasuredCommandError(f"{embedder.tally.misses} of {len(file.texts)} texts were made.")
    began = time.process_time()
    bare(file.texts)
    return Measurement(seconds, reference_seconds=time.process_time() - began, rows=len(file.texts))


def _bare_static(folder: Path):  # type: ignore[no-untyped-def]
    model = StaticModel.from_pretrained(folder)
    return lambda texts: model.encode(texts, use_multiprocessing=False)


def _bare_minilm(folder: Path):  # type: ignore[no-untyped-def]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(MINILM_TOKENS)
    tokenizer.enable_padding()
    wanted = {each.name for each in session.get_inputs()}

    def embed(texts: Sequence[str]) -> None:
        ordered = sorted(texts, key=len)
        for start in range(0, len(ordered), TEXTS_IN_A_BATCH):
            found = tokenizer.encode_batch(ordered[start : start + TEXTS_IN_A_BATCH])
            ids, mask = (np.array([getattr(each, name) for each in found]) for name in ("ids", "attention_mask"))
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            (states, *_) = session.run(None, {name: inputs[name] for name in wanted})
            vectors = (states * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    return embed
