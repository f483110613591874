"""Reads a mapping file, and says everything that is wrong with it at once: file, line, field, allowed values."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from weaviate_migration.errors import MappingError
from weaviate_migration.mapping.models import (
    CollectionMapping,
    Mapping,
    PropertyMapping,
    RelationMapping,
    VectorMapping,
)
from weaviate_migration.yaml_file import FileKind, read_yaml_file

SHIPPED = "conversations.yaml"

_MAPPING_FILE = FileKind(
    "mapping file",
    "a mapping",
    "--mapping",
    MappingError,
    {
        "collections": CollectionMapping,
        "properties": PropertyMapping,
        "relations": RelationMapping,
        "vectors": VectorMapping,
    },
)


def read_mapping(path: Path | None = None) -> Mapping:
    """Reads and validates a mapping file.

    Args:
        path: a YAML file in UTF-8; None is the mapping that ships with the package.

    Raises:
        MappingError: there is no such file, it is not YAML, or it is wrong: then the message lists every mistake.
    """
    source: Traversable = path if path is not None else resources.files("weaviate_migration.mapping") / SHIPPED
    return read_yaml_file(source, Mapping, _MAPPING_FILE)
