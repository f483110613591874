"""How objects are sent: as messages of our own where the client has what that takes, by its `insert_many` elsewhere."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target import insert_many
from weaviate_migration.target.failures import Rejection

try:
    from weaviate_migration.target import batch_request
except ImportError:  # The client's stubs are not where they were.
    batch_request = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

SendObjects = Callable[[Collection[Any, Any], Sequence[ObjectDraft]], dict[int, Rejection]]
"""Sends objects, and returns why single ones were not taken, by index; a failed call raises `WeaviateBaseError`."""


def way_to_send(collection: Collection[Any, Any]) -> SendObjects:
    """The way to send objects to a collection: with the same outcomes, whichever it is."""
    if batch_request is not None and batch_request.has_connection(collection):
        return batch_request.send_objects
    logger.debug("objects are sent by insert_many: this version of weaviate-client takes no messages of ours")
    return insert_many.send_objects
