"""Waits until Weaviate has indexed a collection's vectors: with asynchronous indexing, a search finds few before."""

from weaviate import WeaviateClient

from weaviate_migration.base.deadline import pause
from weaviate_migration.base.waiting import Wait
from weaviate_migration.target.figures import queued_vectors

# Vectors that wait for their index are waited for, unless none got into it in so long.
STALLED_SECONDS = 300.0
_SECONDS_BETWEEN_LOOKS = 0.2


def await_index(client: WeaviateClient, collection: str) -> int:
    """Waits as long as the vectors that wait for their index become fewer.

    Args:
        collection: the versioned name.

    Returns:
        How many wait nevertheless; 0 as a rule.

    Raises:
        TransientTargetError: the server did not take part any more.
    """
    wait, least = Wait(STALLED_SECONDS), None
    while queued := queued_vectors(client, [collection]):
        if least is None or queued < least:
            wait, least = Wait(STALLED_SECONDS), queued
        if wait.is_over:
            return queued
        wait.tell_if_long(f"Weaviate to index {queued:,} vectors")
        pause(_SECONDS_BETWEEN_LOOKS)
    return 0
