"""Models in folders: real ones, as their own libraries have them."""

import json
import re
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from model2vec import StaticModel
from numpy.typing import NDArray

from weaviate_migration.base.errors import ConfigurationError, EmbeddingError
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.onnx_folder import TOKENS_IN_A_BATCH
from weaviate_migration.vectors.open_provider import open_provider
from weaviate_migration.vectors.provider import EmbeddingProvider, checked_rows

QUESTION = "How do I merge sorted lists?"
TEXTS = (
    "Merge multiple sorted inputs into a single sorted output.",
    "Create and return a temporary directory.",
    "Eine Katze schläft auf dem Sofa.",
    "数据库",
    "🐍",
)


@cache
def kept(folder: Path, max_tokens: int | None = None) -> EmbeddingProvider:
    """Of a folder that stays as it is: a model takes a second to open."""
    return opened(folder, max_tokens)


def opened(folder: Path, max_tokens: int | None = None) -> EmbeddingProvider:
    return open_provider(ModelMapping(folder=str(folder)), max_tokens)


def rows(provider: EmbeddingProvider, texts: Sequence[str] = TEXTS) -> NDArray[np.float32]:
    return provider.embed(texts).vectors


@pytest.fixture(params=["static_model", "minilm"])
def folder(request: pytest.FixtureRequest) -> Path:
    made: Path = request.getfixturevalue(request.param)
    return made


def test_rows_are_float32_of_length_one_in_the_order_of_the_texts(folder: Path) -> None:
    provider = kept(folder)
    found = rows(provider)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), provider.dimension)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    alone = np.concatenate([rows(provider, [text]) for text in TEXTS])
    assert (found @ alone.T).argmax(axis=1).tolist() == list(range(len(TEXTS)))


def test_what_means_the_same_is_near(folder: Path) -> None:
    question, *others = rows(kept(folder), [QUESTION, *TEXTS])
    assert (np.array(others) @ question).argmax() == 0


def test_no_text_gives_no_row(folder: Path) -> None:
    provider = kept(folder)
    assert rows(provider, ["", "a"]).shape == (2, provider.dimension)


def test_a_static_model_gives_what_its_own_library_gives(static_model: Path) -> None:
    library = StaticModel.from_pretrained(static_model)
    assert np.array_equal(rows(kept(static_model)), library.encode(list(TEXTS)))


@pytest.mark.parametrize(
    ("first", "second", "cosine"),
    [
        # What sentence-transformers gives for all-MiniLM-L6-v2 in float32.
        ("That is a happy person", "That is a happy dog", 0.6946),
        ("That is a happy person", "That is a very happy person", 0.9429),
        ("That is a happy person", "Today is a sunny day", 0.2569),
    ],
)
def test_minilm_gives_the_cosines_that_its_authors_library_gives(
    minilm: Path, first: str, second: str, cosine: float
) -> None:
    one, other = rows(kept(minilm), [first, second])
    assert one @ other == pytest.approx(cosine, abs=0.04)


def test_texts_of_unequal_length_are_computed_in_several_batches(minilm: Path) -> None:
    texts = ["sorted " * (30 + 10 * number) for number in range(24)]
    provider = kept(minilm)
    counts = provider.tokens(texts)
    assert counts is not None
    assert sum(counts) > TOKENS_IN_A_BATCH
    embedded = provider.embed(texts)
    assert embedded.tokens == sum(counts)
    for number in (0, 5, 23):
        assert embedded.vectors[number] @ rows(provider, [texts[number]])[0] > 0.99


def test_tokens_are_counted_as_they_are_embedded(folder: Path) -> None:
    provider = kept(folder)
    counts = provider.tokens(TEXTS)
    assert counts is not None
    assert provider.embed(TEXTS).tokens == sum(counts)
    assert min(counts) > 0


def test_a_text_is_cut_where_the_mapping_says(folder: Path) -> None:
    long, other_end = f"{TEXTS[0]} {'stop ' * 50}", f"{TEXTS[0]} {'cat ' * 50}"
    short, whole = kept(folder, 8), kept(folder, 100)
    assert short.tokens([long]) == [8]
    cut = rows(short, [long, other_end])
    assert np.allclose(cut[0], cut[1], atol=1e-6)
    one, other = rows(whole, [long, other_end])
    assert not np.allclose(one, other, atol=1e-3)
    assert short.digest != whole.digest


def test_a_megabyte_of_text_is_no_more_than_the_model_takes(folder: Path) -> None:
    provider = kept(folder)
    counts = provider.tokens(["word " * 200_000])
    assert counts is not None
    assert 64 <= counts[0] <= 512


def test_where_minilm_ends_is_read_from_its_folder(own_minilm: Path) -> None:
    """Its tokenizer says 128, sentence-transformers' own file 256."""
    long = "word " * 1_000
    assert opened(own_minilm).tokens([long]) == [128]
    (own_minilm / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    assert opened(own_minilm).tokens([long]) == [256]


def test_the_first_token_alone(own_minilm: Path) -> None:
    mean = opened(own_minilm)
    (own_minilm / "1_Pooling").mkdir()
    ways = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (own_minilm / "1_Pooling" / "config.json").write_text(json.dumps(ways))
    first = opened(own_minilm)
    assert first.digest != mean.digest
    assert not np.allclose(rows(first), rows(mean), atol=0.01)


def test_a_model_that_does_not_scale(own_minilm: Path) -> None:
    (own_minilm / "modules.json").write_text('[{"idx": 0, "type": "sentence_transformers.models.Transformer"}]')
    assert not np.allclose(np.linalg.norm(rows(opened(own_minilm)), axis=1), 1, atol=0.01)


def test_a_way_to_make_vectors_that_is_not_known_is_refused(own_minilm: Path) -> None:
    (own_minilm / "1_Pooling").mkdir()
    (own_minilm / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')
    with pytest.raises(ConfigurationError, match="another way than this project can: max_tokens"):
        opened(own_minilm)


def test_the_digest_is_that_of_the_files(static_model: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(static_model, tmp_path / "copied"))
    assert opened(copied).digest == opened(static_model).digest
    (copied / "config.json").write_text('{"normalize": false, "max_length": 512}')
    assert opened(copied).digest != opened(static_model).digest


def test_a_model_is_downloaded_from_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no folder that can be read") as raised:
        opened(tmp_path / "minishlab" / "potion-base-8M")
    assert "beside the mapping file" in raised.value.hint


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"no model", b"\x00" * 1000])
def test_a_file_that_holds_no_model(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "tokenizer.json").write_bytes(content)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=f"the model in {re.escape(str(tmp_path))} cannot be loaded"):
        opened(tmp_path)


def test_a_folder_without_its_tokenizer(own_minilm: Path) -> None:
    (own_minilm / "tokenizer.json").unlink()
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        opened(own_minilm)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"neither model\.onnx nor model\.safetensors"):
        opened(tmp_path)


def test_more_tokens_than_the_model_takes(minilm: Path) -> None:
    with pytest.raises(EmbeddingError, match="fails at 1 texts of up to 600 tokens") as raised:
        rows(kept(minilm, 600), ["word " * 1_000])
    assert "max_tokens" in raised.value.hint


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([[1.0, 2.0]], "shape"),
        ([[1.0, 2.0], [3.0]], "no rows of numbers"),
        ([[1.0], [2.0]], "1 numbers for a text, and not 2"),
        ([[1.0, float("nan")], [1.0, 2.0]], "not finite"),
        ([[1.0, float("inf")], [1.0, 2.0]], "not finite"),
        ([[1.0, 1e39], [1.0, 2.0]], "not finite"),
        ([["a", "b"], ["c", "d"]], "no rows of numbers"),
        ([1.0, 2.0], "shape"),
        ([[], []], "shape"),
        (None, "shape|no rows"),
    ],
)
def test_what_is_no_rows_is_refused(given: object, told: str) -> None:
    with pytest.raises(EmbeddingError, match=told):
        checked_rows(given, 2, 2, "m")  # type: ignore[arg-type]
