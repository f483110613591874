"""Reads a mapping file, and says everything that is wrong with it at once: file, line, field, allowed values."""

import functools
from collections.abc import Mapping as Dict
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from weaviate_migration.base.errors import MappingError
from weaviate_migration.base.yaml_file import FileKind, Place, parse_yaml, read_text, validated_content
from weaviate_migration.mapping.model_mapping import ModelMapping
from weaviate_migration.mapping.models import CollectionMapping, Mapping
from weaviate_migration.mapping.property_mapping import PropertyMapping, RelationMapping, TenantMapping
from weaviate_migration.mapping.spellings import BooleanValues
from weaviate_migration.mapping.vector_index import FlatIndex, HnswIndex, QuantizerMapping, VectorIndexMapping
from weaviate_migration.mapping.vector_mapping import VectorMapping

# The mappings that ship with the package, by the names that stand for them.
PRESETS = {"conversations": "conversations.yaml"}
DEFAULT_PRESET = "conversations"

_MAPPING_FILE = FileKind(
    "mapping file",
    "a mapping",
    "--mapping",
    MappingError,
    {
        "collections": CollectionMapping,
        "flat": FlatIndex,
        "hnsw": HnswIndex,
        "index": VectorIndexMapping,
        "models": ModelMapping,
        "properties": PropertyMapping,
        "quantizer": QuantizerMapping,
        "relations": RelationMapping,
        "tenant": TenantMapping,
        "values": BooleanValues,
        "vectors": VectorMapping,
    },
    spelled=frozenset(["values", "stopwords"]),
    named=frozenset(["models"]),
)


def read_mapping(path: Path | None = None) -> Mapping:
    """Reads and validates a mapping file; one that has not changed since is not parsed again.

    The folders of its models are found from the file's own.

    Args:
        path: a YAML file in UTF-8, or the name of a preset, unless there is a file of that name; None is the preset
            `conversations`.

    Raises:
        MappingError: there is no such file, it is not YAML, or it is wrong: then the message lists every mistake.
    """
    named = DEFAULT_PRESET if path is None else str(path)
    source: Traversable = Path(named)
    if named in PRESETS and (path is None or not path.exists()):
        source = resources.files("weaviate_migration.mapping") / PRESETS[named]
    return parse_mapping(mapping_file_text(source), str(source)).beside(Path(str(source)).parent.absolute())


def mapping_file_text(source: Traversable, option: str = _MAPPING_FILE.option) -> str:
    """What a mapping file holds.

    Args:
        option: of the command line, that names the file.

    Raises:
        MappingError: there is no such file, or it is not UTF-8.
    """
    return read_text(source, replace(_MAPPING_FILE, option=option))


@functools.lru_cache(maxsize=8)
def parse_mapping(text: str, file: str) -> Mapping:
    """The mapping of this text. A command asks for it some five times, and parsing takes longer than reading.

    Args:
        file: how messages name it.

    Raises:
        MappingError: as `read_mapping` does.
    """
    return parse_yaml(text, file, Mapping, _MAPPING_FILE)


def mapping_in_file(content: Any, lines: Dict[Place, int], file: str) -> Mapping:
    """The mapping that stands in a part of a file that is none of ours.

    Args:
        content: that part, as plain lists, dicts and scalars.
        lines: of the file, in which its values stand.
        file: how messages name it.

    Raises:
        MappingError: it is wrong; the message lists every mistake.
    """
    return validated_content(content, lines, file, Mapping, _MAPPING_FILE).beside(Path(file).parent.absolute())
