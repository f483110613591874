"""The demo's mapping: the preset, with vectors that a small model makes of what was said, and of the documents."""

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from weaviate_migration.demo.static_model import write_static_model
from weaviate_migration.mapping.reader import PRESETS

MODEL = "wordllama"
MADE_OF = {"Message": ["content"], "DocumentChunk": ["content"]}
"""The columns that the vectors of these collections are made of."""
VECTOR = "embedding"


def write_demo_mapping(work_dir: Path) -> Path:
    """Writes the mapping and its model into the work folder, and returns the mapping's path.

    Raises:
        ConfigurationError: the package with the model is not installed.
    """
    folder = Path("models", MODEL)
    if not (work_dir / folder).exists():
        write_static_model(work_dir / folder)
    path = work_dir / "demo.yaml"
    path.write_text(yaml.safe_dump(_with_vectors(folder), sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _with_vectors(folder: Path) -> dict[str, Any]:
    preset = (
        resources.files("weaviate_migration.mapping").joinpath(PRESETS["conversations"]).read_text(encoding="utf-8")
    )
    fields: dict[str, Any] = yaml.safe_load(preset)
    for collection in fields["collections"]:
        if (columns := MADE_OF.get(collection["name"])) is not None:
            collection["vectors"] = [
                {"name": VECTOR, "from": columns, "model": MODEL, "index": {"type": "hnsw", "quantizer": "rq"}}
            ]
    return {**fields, "models": {MODEL: {"folder": str(folder)}}}
