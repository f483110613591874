"""Collections whose objects several nodes keep: how many of them take part in a call, and what a node has missed.

A search, and a walk, are made by one node, from what it holds, whatever the level: what it finds is compared with the
other replicas, and mended; what it has missed while it was away is not found (measured on 1.39.0). An object is asked
of the others by its id, and a node that lacks it has it from then on. By itself the node catches up within minutes.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from weaviate import WeaviateClient
from weaviate.classes.config import ConsistencyLevel
from weaviate.collections import Collection

from weaviate_migration.base.bounded_pool import BoundedPool
from weaviate_migration.target.calls import level_of
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.tenants import parts_of_objects

# Objects that are asked for by their ids: each takes as long as a node takes to ask another one.
_ASKED_AT_ONCE = 8
# Of collections as they were opened.
_replicated: WeakKeyDictionary[Collection[Any, Any], bool] = WeakKeyDictionary()


def open_collection(client: WeaviateClient, name: str) -> Collection[Any, Any]:
    """A collection, or what an alias leads to: all that is asked of its objects is asked at the client's level.

    The only place that opens one: what is read, written and removed beside it would be so at the level ONE.
    """
    return client.collections.use(name).with_consistency_level(ConsistencyLevel(level_of(client)))


def replicas_of(collection: Collection[Any, Any], doing: str = "reading a collection's schema") -> int:
    """On how many nodes each object is kept.

    Args:
        doing: what it is asked for, as `target_errors` takes it.
    """
    with target_errors(doing):
        return collection.config.get().replication_config.factor


def is_replicated(collection: Collection[Any, Any], doing: str = "reading a collection's schema") -> bool:
    """Whether each object is kept on several nodes; of a collection that was opened, the server is asked once.

    Args:
        doing: as of `replicas_of`.
    """
    if (known := _replicated.get(collection)) is None:
        known = _replicated[collection] = replicas_of(collection, doing) > 1
    return known


def is_there(collection: Collection[Any, Any], of_object: str) -> bool:
    """Whether the object of this address is there, by enough of its replicas; one that has missed it has it then."""
    return any(objects.data.exists(uuid) for _, objects, (uuid,) in parts_of_objects(collection, [of_object]))


def brought_back(collection: Collection[Any, Any], missed: Sequence[str]) -> list[str]:
    """Those of these objects that are there after all: the node had missed them, and has them now.

    Args:
        missed: addresses of objects that a search has not found.
    """
    if not missed or not is_replicated(collection):
        return []
    with BoundedPool(_ASKED_AT_ONCE) as pool:
        there = list(pool.map(partial(is_there, collection), missed))
    return [each for each, is_there_now in zip(missed, there, strict=True) if is_there_now]
