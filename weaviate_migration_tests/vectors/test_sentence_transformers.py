"""Models by sentence-transformers, where that is installed; and what is said where it is not."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.open_provider import open_provider

IS_INSTALLED = find_spec("sentence_transformers") is not None


@pytest.mark.skipif(IS_INSTALLED, reason="sentence-transformers is installed")
def test_what_is_not_installed_is_told_with_its_extra() -> None:
    with pytest.raises(ConfigurationError, match="needs sentence_transformers, which is not installed") as raised:
        open_provider(ModelMapping(sentence_transformers="all-MiniLM-L6-v2"))
    assert raised.value.hint.endswith("pip install 'weaviate-migration[sentence-transformers]'.")


@pytest.mark.skipif(not IS_INSTALLED, reason="sentence-transformers is not installed: it brings gigabytes")
def test_it_gives_what_the_same_model_gives_in_a_folder(minilm: Path) -> None:
    """With the model all-MiniLM-L6-v2 in the folder that a variable names."""
    folder = os.environ.get("MINILM_FOLDER")
    if folder is None:
        pytest.skip("MINILM_FOLDER names no folder with all-MiniLM-L6-v2 as sentence-transformers writes it")
    texts = ["That is a happy person", "Today is a sunny day", "数据库", "word " * 100]
    full, cut = (open_provider(ModelMapping(sentence_transformers=folder), each) for each in (None, 8))
    small = open_provider(ModelMapping(folder=str(minilm)))
    found = full.embed(texts)
    assert (found.vectors * small.embed(texts).vectors).sum(axis=1).min() > 0.99
    assert (full.dimension, full.tokens(texts), found.tokens) == (384, small.tokens(texts), small.embed(texts).tokens)
    assert (cut.tokens(texts) or [0])[-1] == 8
    assert cut.digest != full.digest
