"""What the folders of models have in common: which files are there, what stands in them, and their digest."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import ConfigurationError


def files_digest(folder: Path, files: Iterable[Path], *settings: object) -> str:
    """A digest of files below a folder, with their names, and of what else alters the numbers."""
    digest = hashlib.sha256(json.dumps(settings).encode())
    for path in sorted(files):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"\n{path.relative_to(folder).as_posix()} {content}".encode())
    return digest.hexdigest()


def fields_in(path: Path) -> dict[str, Any]:
    """The fields of a JSON file; none where it is not there.

    Raises:
        ValueError: it is no JSON object.
    """
    if not path.exists():
        return {}
    fields = json.loads(path.read_bytes())
    if not isinstance(fields, dict):
        raise ValueError(f"{path.name} is no JSON object")
    return fields


def first_line(error: Exception) -> str:
    """What an error of a library says, without the advice that it may have below."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """What fails in the block makes the model in this folder one that cannot be used, whatever the library raises.

    Raises:
        ConfigurationError: something failed.
    """
    # The tokenizers' own threads gain nothing beside a thread that computes, and a process that is forked off later
    # would be warned of them.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # onnxruntime and tokenizers raise what has no other class in common.
        raise ConfigurationError(
            f"the model in {folder} cannot be loaded: {first_line(error)}",
            "A folder has model.onnx with tokenizer.json, or the files that model2vec writes.",
        ) from error
