"""What Weaviate still has to index: with asynchronous indexing, objects are stored before vectors can be searched."""

from collections.abc import Collection

from weaviate import WeaviateClient

from weaviate_migration.target.failures import target_errors


@target_errors("asking for the index queue")
def queued_vectors(client: WeaviateClient, collections: Collection[str]) -> int:
    """How many vectors of these collections wait for their index, on all nodes together."""
    nodes = client.cluster.nodes(output="verbose")
    shards = (shard for node in nodes for shard in node.shards or () if shard.collection in collections)
    return sum(shard.vector_queue_length for shard in shards)
