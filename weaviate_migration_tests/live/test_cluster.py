"""A cluster of three real nodes: a node may go at any moment, and come back."""

from weaviate.classes.config import Configure, ConsistencyLevel

from weaviate_migration.target.connect import connect
from weaviate_migration_tests.live.three_nodes import ThreeNodes


def test_a_node_that_comes_back_is_one_of_the_cluster_again(three_nodes: ThreeNodes) -> None:
    first, second, _ = three_nodes.nodes
    with connect(second.address, None) as client:
        notes = client.collections.create("Note", replication_config=Configure.replication(3))
        first.kill()
        while_away = notes.with_consistency_level(ConsistencyLevel.QUORUM).data.insert({})
        first.start()
    with connect(first.address, None) as client:
        found = client.collections.use("Note").with_consistency_level(ConsistencyLevel.ALL)
        assert found.data.exists(while_away)
