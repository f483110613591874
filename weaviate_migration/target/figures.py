"""What the server says of itself: its health, what waits for its index, and how many objects it holds.

Over its API a server tells neither its memory nor its CPU (1.39.0): these are known of an embedded one alone, whose
process is on this machine.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from weaviate import WeaviateClient
from weaviate.outputs.cluster import NodeVerbose, Shard

from weaviate_migration.base.errors import ServerNotUsableError
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.probes import answer
from weaviate_migration.target.server import ServerAddress

_Told = TypeVar("_Told")
HEALTHY = "HEALTHY"
READ_ONLY = "READONLY"
INDEXING = "INDEXING"


class _ShardOfNode(msgspec.Struct, rename="camel"):
    of_class: str = msgspec.field(name="class")
    name: str
    vector_queue_length: int | None = None


class _BatchStats(msgspec.Struct, rename="camel"):
    queue_length: int | None = None


class _Node(msgspec.Struct, rename="camel"):
    shards: list[_ShardOfNode] | None = None
    batch_stats: _BatchStats | None = None


class _Nodes(msgspec.Struct):
    nodes: list[_Node]


class _Meta(msgspec.Struct):
    count: int


class _Aggregate(msgspec.Struct):
    meta: _Meta


class _Aggregates(msgspec.Struct):
    """By label the counts: of what is not there, none."""

    of_label: dict[str, list[_Aggregate] | None] = msgspec.field(name="Aggregate")


class _GraphQL(msgspec.Struct):
    data: _Aggregates


@dataclass(frozen=True)
class ServerHealth:
    """Whether a server is healthy.

    Attributes:
        trouble: why it is not, and what to do; '' where it is.
        read_only: collections that take no writes.
    """

    trouble: str = ""
    read_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerFigures:
    """What a server tells; what it does not tell (its settings, or the key's rights, forbid the question) is absent.

    Attributes:
        objects: for each collection that is there, how many it holds; empty where GraphQL is switched off.
        queued_vectors: for each, how many vectors wait for their index, on all nodes together.
        queued_objects: objects that were taken and are not stored yet, on all nodes together; None: not told.
    """

    objects: Mapping[str, int]
    queued_vectors: Mapping[str, int]
    queued_objects: int | None


@target_errors("asking for the server's health")
def server_health(client: WeaviateClient, collections: Collection[str]) -> ServerHealth:
    """The health of a server that answers.

    Args:
        collections: those to be asked about.

    Raises:
        TransientTargetError: it does not answer any more.
    """
    nodes = client.cluster.nodes(output="verbose")
    unwell = [f"node {node.name} is {node.status}" for node in nodes if node.status != HEALTHY]
    read_only = {each.collection for each in _shards(nodes, collections) if each.vector_indexing_status == READ_ONLY}
    return ServerHealth(trouble="; ".join(unwell), read_only=tuple(sorted(read_only)))


@target_errors("asking for the index queue")
def queued_vectors(client: WeaviateClient, collections: Collection[str]) -> int:
    """How many vectors of these collections wait for their index, on all nodes together.

    With asynchronous indexing, objects are stored before their vectors can be searched. Where a shard's queue is empty
    and it is still at it, that counts as one.
    """
    shards = _shards(client.cluster.nodes(output="verbose"), collections)
    return sum(max(each.vector_queue_length, int(each.vector_indexing_status == INDEXING)) for each in shards)


def _shards(nodes: Iterable[NodeVerbose], collections: Collection[str]) -> Iterator[Shard]:
    return (shard for node in nodes for shard in node.shards or () if shard.collection in collections)


def server_figures(address: ServerAddress, api_key: str | None, collections: Collection[str]) -> ServerFigures:
    """What the server tells of these collections; of those that are not there, nothing.

    Asked without a client, in two short requests, and one more for tenants: for metrics, while others work.

    Raises:
        ServerNotUsableError: it does not answer, or not as a Weaviate does.
    """
    told = answer(address, "/v1/nodes?output=verbose", api_key)
    if told is None:
        return ServerFigures({}, {}, None)
    nodes = _read(told, _Nodes, address).nodes
    queued: Counter[str] = Counter()
    shards: dict[str, set[str]] = {}
    for shard in (each for node in nodes for each in node.shards or ()):
        if shard.of_class in collections:
            queued[shard.of_class] += shard.vector_queue_length or 0
            shards.setdefault(shard.of_class, set()).add(shard.name)
    waiting = sum(node.batch_stats.queue_length or 0 for node in nodes if node.batch_stats is not None)
    return ServerFigures(_counts(address, api_key, shards), dict(queued), waiting)


def _counts(address: ServerAddress, api_key: str | None, shards: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many objects each holds. What the nodes say of it lags behind: it leaves out what is still in memory.

    Args:
        shards: the names of those of each collection; where it has tenants, these are their names.
    """
    counts = _aggregates(address, api_key, {name: name for name in sorted(shards)})
    # A collection with tenants refuses to be counted as a whole.
    tenants = [(name, tenant) for name in shards if name not in counts for tenant in sorted(shards[name])]
    labelled = {f"tenant_{number}": each for number, each in enumerate(tenants)}
    queries = {label: f'{name}(tenant: "{tenant}")' for label, (name, tenant) in labelled.items()}
    of_tenants: Counter[str] = Counter()
    for label, count in _aggregates(address, api_key, queries).items():
        of_tenants[labelled[label][0]] += count
    return {**counts, **of_tenants}


def _aggregates(address: ServerAddress, api_key: str | None, queries: Mapping[str, str]) -> dict[str, int]:
    """The count of each of these, by its label; what the server does not tell is left out."""
    if not queries:
        return {}
    fields = " ".join(f"{label}: {of} {{ meta {{ count }} }}" for label, of in queries.items())
    told = answer(address, "/v1/graphql", api_key, json.dumps({"query": f"{{ Aggregate {{ {fields} }} }}"}).encode())
    if told is None:
        return {}
    found = _read(told, _GraphQL, address).data.of_label
    return {label: of_label[0].meta.count for label in queries if (of_label := found.get(label))}


def _read(told: bytes, kind: type[_Told], address: ServerAddress) -> _Told:
    try:
        return msgspec.json.decode(told, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ServerNotUsableError(
            f"what answers at {address} is not Weaviate ({str(error)[:200]})", "Correct --weaviate-url."
        ) from error
