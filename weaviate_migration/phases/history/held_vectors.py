"""Vectors that a collection holds already, with the texts that they were made of: they need not be made again.

An object is written as a whole, with the vectors of its texts. So its properties tell what its vector was made of,
unless somebody else has altered it since: then it tells another text than its row has, as a rule, and gives nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.embedded_texts import text_maker
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_to_row import row_rebuilder, source_columns
from weaviate_migration.mapping.row_to_object import NO_VECTORS
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.history.versioned_collections import maker_of
from weaviate_migration.target.read_back import StoredObject, asked_together, objects_by_uuid
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.schema import has_made
from weaviate_migration.vectors.cache import Vector
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord


@dataclass(frozen=True)
class HeldVectors:
    """The vectors of one version of a collection.

    Args:
        record: of the migration that made the version; it says which models that had.
        mapping: the collection's part of that migration's mapping.
    """

    client: WeaviateClient
    record: MigrationRecord
    mapping: CollectionMapping

    def of_texts(self, digest: str, texts: Mapping[str, str]) -> dict[str, Vector]:
        """The vectors of these texts, as far as an object holds both: the very text, and what this model made of it.

        Args:
            digest: of the model.
            texts: the address of an object that may hold it, by text.

        Raises:
            TargetError: the server did not take part.
        """
        digests = self.record.models_of(self.mapping)
        found: dict[str, Vector] = {}
        for vector in self.mapping.made_vectors:
            if digests.get(vector.name) == digest and self._is_there:
                found |= self._of_vector(vector, texts)
        return found

    @cached_property
    def _is_there(self) -> bool:
        return has_made(self.client, self.record.collection(self.mapping), maker_of(self.record))

    @cached_property
    def _objects(self) -> Collection[Any, Any]:
        return open_collection(self.client, self.record.collection(self.mapping))

    def _of_vector(self, vector: VectorMapping, texts: Mapping[str, str]) -> dict[str, Vector]:
        embedded = _EmbeddedText(self.mapping, vector)
        found: dict[str, Vector] = {}
        for some in asked_together(texts.items(), lambda item: len(item[0])):
            stored = objects_by_uuid(self._objects, [uuid for _, uuid in some], vectors=[vector.name])
            for text, uuid in some:
                one = stored.get(uuid)
                numbers = one.vectors.get(vector.name) if one is not None else None
                if one is not None and numbers is not None and embedded.of(one) == text:
                    found[text] = np.asarray(numbers, np.float32)
        return found


class _EmbeddedText:
    """The text that an object's vector was made of, told by the object's own properties."""

    def __init__(self, mapping: CollectionMapping, vector: VectorMapping) -> None:
        self._mapping = mapping
        self._columns = vector.from_columns
        self._rebuild = row_rebuilder(mapping, self._columns)
        self._text = text_maker(vector, self._columns)

    def of(self, stored: StoredObject) -> str | None:
        """The text; None where there is none, or where the object does not tell."""
        try:
            if self._are_spelled_otherwise(source_columns(self._mapping, stored.properties)):
                return None
            return self._text(self._rebuild(stored.properties, NO_VECTORS))
        except (ValueError, LookupError, TypeError, AttributeError):
            return None

    def _are_spelled_otherwise(self, verbatim: Mapping[str, object]) -> bool:
        """Whether a column is kept verbatim that would be looked for under another spelling."""
        wanted = set(map(folded, self._columns))
        return any(folded(name) in wanted and name not in self._columns for name in verbatim)


def held_versions(
    client: WeaviateClient, work_folder: WorkFolder, record: MigrationRecord, mapping: CollectionMapping
) -> list[HeldVectors]:
    """Where vectors of a collection's rows may be: in the version that readers have, and in the migration's own."""
    others = (each for each in reversed(work_folder.records.all()) if each.id != record.id)
    in_use = next((each for each in others if each.was_cut_over), None)
    held = [HeldVectors(client, record, mapping)]
    if in_use is not None and (whole := work_folder.mappings.read(in_use.mapping_digest)) is not None:
        same = (each for each in whole.collections if in_use.alias(each) == record.alias(mapping))
        held = [*(HeldVectors(client, in_use, each) for each in same), *held]
    return held
