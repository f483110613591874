"""How objects are sent: as messages of our own where the client has what that takes, by its `insert_many` elsewhere.

`insert_many` says less of each object: one that it cannot encode ends the whole call, and where the server refuses all,
their reasons come without saying whose they are. So such calls are made again by halves.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from weaviate.classes.data import DataObject
from weaviate.collections import Collection
from weaviate.exceptions import (
    WeaviateInsertInvalidPropertyError,
    WeaviateInsertManyAllFailedError,
    WeaviateInvalidInputError,
)

from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target.failures import Rejection, not_encodable
from weaviate_migration.target.tenants import of_tenant

try:
    from weaviate_migration.target import batch_request
except ImportError:  # The client's stubs are not where they were.
    batch_request = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

SendObjects = Callable[[Collection[Any, Any], Sequence[ObjectDraft]], dict[int, Rejection]]
"""Sends objects, and returns why single ones were not taken, by index; a failed call raises `WeaviateBaseError`."""

_ALL_FAILED = "Here is the set of all errors: "


def way_to_send(collection: Collection[Any, Any]) -> SendObjects:
    """The way to send objects to a collection: with the same outcomes, whichever it is."""
    if batch_request is not None and batch_request.has_connection(collection):
        return batch_request.send_objects
    logger.debug("objects are sent by insert_many: this version of weaviate-client takes no messages of ours")
    return _insert_by_tenant


def _insert_by_tenant(collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
    """One call for each tenant: `insert_many` knows no other."""
    by_tenant: dict[str | None, list[int]] = {}
    for index, each in enumerate(drafts):
        by_tenant.setdefault(split_address(each.uuid)[0], []).append(index)
    rejected: dict[int, Rejection] = {}
    for tenant, indexes in by_tenant.items():
        found = _insert_many(of_tenant(collection, tenant), [drafts[index] for index in indexes])
        rejected |= {indexes[at]: each for at, each in found.items()}
    return rejected


def _insert_many(collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
    try:
        reply = collection.data.insert_many(
            [
                DataObject(
                    each.properties, split_address(each.uuid)[1], each.vectors or None, dict(each.references) or None
                )
                for each in drafts
            ]
        )
        return {index: Rejection(each.message) for index, each in reply.errors.items()}
    except WeaviateInsertManyAllFailedError as error:
        reasons = str(error.message).partition(_ALL_FAILED)[2].splitlines()
        if len(reasons) > 1 and len(drafts) > 1:
            return _insert_halves(collection, drafts)
        return dict.fromkeys(range(len(drafts)), Rejection("\n".join(reasons) or str(error.message)))
    except (ValueError, TypeError, WeaviateInvalidInputError, WeaviateInsertInvalidPropertyError) as error:
        return _insert_halves(collection, drafts) if len(drafts) > 1 else {0: not_encodable(error)}


def _insert_halves(collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
    middle = len(drafts) // 2
    second = _insert_many(collection, drafts[middle:])
    return _insert_many(collection, drafts[:middle]) | {middle + index: each for index, each in second.items()}
