"""Objects sent by weaviate-client's own `insert_many`, for a client whose messages we cannot make ourselves.

It says less of each object: one that it cannot encode ends the whole call, and where the server refuses all, their
reasons come without saying whose they are. So such calls are made again by halves.
"""

from collections.abc import Sequence
from typing import Any

from weaviate.classes.data import DataObject
from weaviate.collections import Collection
from weaviate.exceptions import (
    WeaviateInsertInvalidPropertyError,
    WeaviateInsertManyAllFailedError,
    WeaviateInvalidInputError,
)

from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target.failures import Rejection, not_encodable

_ALL_FAILED = "Here is the set of all errors: "


def send_objects(collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
    """Sends objects, and returns why single ones were not taken, by index.

    Raises:
        WeaviateBaseError: a call failed as a whole.
    """
    try:
        reply = collection.data.insert_many(
            [DataObject(each.properties, each.uuid, each.vectors or None) for each in drafts]
        )
        return {index: Rejection(each.message) for index, each in reply.errors.items()}
    except WeaviateInsertManyAllFailedError as error:
        reasons = str(error.message).partition(_ALL_FAILED)[2].splitlines()
        if len(reasons) > 1 and len(drafts) > 1:
            return _send_halves(collection, drafts)
        return dict.fromkeys(range(len(drafts)), Rejection("\n".join(reasons) or str(error.message)))
    except (ValueError, TypeError, WeaviateInvalidInputError, WeaviateInsertInvalidPropertyError) as error:
        return _send_halves(collection, drafts) if len(drafts) > 1 else {0: not_encodable(error)}


def _send_halves(collection: Collection[Any, Any], drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
    middle = len(drafts) // 2
    second = send_objects(collection, drafts[middle:])
    return send_objects(collection, drafts[:middle]) | {middle + index: each for index, each in second.items()}
