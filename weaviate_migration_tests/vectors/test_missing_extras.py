"""What a plain installation, without the extras, opens, and what it says of the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = "service='http://127.0.0.1:9/v1', model='small'"
OF_THE_EXTRA = ("model2vec", "onnxruntime", "tokenizers")
PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({packages}))  # as if they were not installed
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.vectors.open_provider import open_provider
try:
    open_provider(ModelMapping({fields})).close()
except ConfigurationError as error:
    print(error)
"""


def opened(fields: str) -> str:
    """What opening a model says in a process that has none of the extra's packages."""
    program = PROGRAM.format(packages=OF_THE_EXTRA, fields=fields)
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def test_a_service_needs_no_extra() -> None:
    assert opened(SERVICE) == ""


@pytest.mark.parametrize(
    ("files", "fields"),
    [
        (("model.onnx", "tokenizer.json"), "folder={folder!r}"),
        (("model.safetensors", "tokenizer.json", "config.json"), "folder={folder!r}"),
        (("tokenizer.json",), f"{SERVICE}, tokenizer={{folder!r}} + '/tokenizer.json'"),
    ],
)
def test_what_needs_the_extra_names_it(tmp_path: Path, files: tuple[str, ...], fields: str) -> None:
    for file in files:
        (tmp_path / file).touch()
    said = opened(fields.format(folder=str(tmp_path)))
    assert (
        "which is not installed\nInstall it with the extra `vectors`: pip install 'weaviate-migration[vectors]'."
        in said
    )
