"""A project's own model, in a package that is really there: metadata with an entry point, and a module."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from weaviate_migration.base.errors import ConfigurationError, EmbeddingError, TransientEmbeddingError
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.open_provider import open_provider
from weaviate_migration.vectors.provider import EmbeddingProvider
from weaviate_migration_tests.documentation import code_blocks

MODULE = '''
from weaviate_migration.base.errors import TransientEmbeddingError

class Lengths:
    """Says of a text how long it is."""

    digest = "lengths-1"

    def __init__(self, max_tokens):
        self.most = max_tokens or 1_000

    def embed(self, texts):
        if "away" in texts:
            raise TransientEmbeddingError("away for a moment")
        return [[min(len(text), self.most), 1 / len(text)] for text in texts]

class Other:
    digest = 1
    def embed(self, texts): ...

no_model = lambda max_tokens: None
wrong_digest = lambda max_tokens: Other()
'''
NAMES = {"lengths": "Lengths", "none": "no_model", "digest": "wrong_digest", "gone": "nothing"}


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "lengths_of_texts.py").write_text(MODULE)
    metadata = tmp_path / "lengths_of_texts-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lengths-of-texts\nVersion: 1.0\n")
    points = "\n".join(f"{name} = lengths_of_texts:{target}" for name, target in NAMES.items())
    (metadata / "entry_points.txt").write_text(f"[weaviate_migration.embedding_providers]\n{points}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("lengths_of_texts", None)


def opened(name: str, max_tokens: int | None = None) -> EmbeddingProvider:
    return open_provider(ModelMapping(entry_point=name), max_tokens)


def test_it_makes_vectors() -> None:
    provider = opened("lengths")
    embedded = provider.embed(["ab", "abcd"])
    assert embedded.vectors.dtype == np.float32
    assert embedded.vectors.tolist() == [[2, 0.5], [4, 0.25]]
    assert embedded.tokens is None
    assert provider.tokens(["ab"]) is None
    assert provider.digest == "lengths: lengths-1"


def test_it_is_told_where_to_cut() -> None:
    assert opened("lengths", 3).embed(["abcdef"]).vectors[0, 0] == 3


def test_what_it_raises_itself_is_kept() -> None:
    with pytest.raises(TransientEmbeddingError, match="away for a moment"):
        opened("lengths").embed(["away"])


def test_what_goes_wrong_in_it_is_told() -> None:
    with pytest.raises(EmbeddingError, match="the model lengths failed: ZeroDivisionError"):
        opened("lengths").embed([""])


@pytest.mark.parametrize("name", ["none", "digest", "gone"])
def test_what_is_no_model(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"of the entry point {name}|the entry point {name} gives no model"):
        opened(name)


def test_the_documented_callable(tmp_path: Path) -> None:
    (example,), (points,) = code_blocks("python", "vectors.md"), code_blocks("toml", "vectors.md")
    (tmp_path / "lengths_of_texts.py").write_text(example)
    (tmp_path / "lengths_of_texts-1.0.dist-info" / "entry_points.txt").write_text(
        points.replace("project.entry-points.", "").replace('"', "").replace("my_package.embedding", "lengths_of_texts")
    )
    assert opened("my-embedder").embed(["four", "a"]).vectors.tolist() == [[4, 1], [1, 1]]


def test_a_name_that_no_package_has() -> None:
    with pytest.raises(ConfigurationError, match=r"there are: .*lengths") as raised:
        opened("width")
    assert "Install the package" in raised.value.hint
