"""Writes rows as objects, and keeps those that are refused."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.row_to_object import ObjectDraft, key_text
from weaviate_migration.mapping.values import verbatim_json
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout
from weaviate_migration.target.read_back import vectors_by_uuid
from weaviate_migration.target.write import Refusal
from weaviate_migration.work_folder.quarantine import QuarantinedRow

# Objects whose vectors are asked for at once: even with 65,535 numbers each, the most there are, they fit in a message.
VECTORS_PER_REQUEST = 200


def quarantined_row(row: ExtractRow, reason: str, layout: RowLayout) -> QuarantinedRow:
    """A row that did not become an object, for the quarantine: all of its columns are the payload."""
    payload = {"row": verbatim_json(dict(zip(layout.columns, row.values, strict=True)))}
    return QuarantinedRow(key_text(row.key), row.uuid, reason, payload, "conversion")


def with_provided_vectors(
    drafts: Iterable[ObjectDraft], collection: Collection[Any, Any], mapping: CollectionMapping
) -> Iterator[ObjectDraft]:
    """Each draft with the vectors that the application has set on its object: writing replaces the whole object.

    A vector that is set between this and the writing is lost.
    """
    remaining, names = iter(drafts), mapping.provided_vectors
    if not names:
        yield from remaining
    while group := list(islice(remaining, VECTORS_PER_REQUEST)):
        stored = vectors_by_uuid(collection, [draft.uuid for draft in group], names)
        for draft in group:
            found = stored.get(draft.uuid)
            yield draft._replace(vectors={**found, **draft.vectors}) if found else draft


def quarantined_object(refusal: Refusal) -> QuarantinedRow:
    """A row whose object was not taken, for the quarantine: the object's properties are the payload."""
    draft = refusal.draft
    return QuarantinedRow(draft.key, draft.uuid, refusal.reason, draft.properties, refusal.category)
