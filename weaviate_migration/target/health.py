"""How the server is, as far as it tells: its nodes, and which collections take no writes."""

from collections.abc import Collection
from dataclasses import dataclass

from weaviate import WeaviateClient

from weaviate_migration.target.failures import target_errors

HEALTHY = "HEALTHY"
READ_ONLY = "READONLY"


@dataclass(frozen=True)
class ServerHealth:
    """What a server says of itself.

    Attributes:
        trouble: why it is not healthy, and what to do; '' where it is.
        read_only: collections that take no writes.
    """

    trouble: str = ""
    read_only: tuple[str, ...] = ()


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
    shards = (shard for node in nodes for shard in node.shards or ())
    read_only = {each.collection for each in shards if each.vector_indexing_status == READ_ONLY}
    return ServerHealth(trouble="; ".join(unwell), read_only=tuple(sorted(read_only & set(collections))))
