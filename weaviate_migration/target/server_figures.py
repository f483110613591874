"""What the server tells of itself, asked without a client, in two short requests: for metrics, while others work.

Over its API a server tells neither its memory nor its CPU (1.39.0): these are known of an embedded one alone, whose
process is on this machine.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from weaviate_migration.target.connect import answer
from weaviate_migration.target.server import ServerAddress


@dataclass(frozen=True)
class ServerFigures:
    """What a server tells.

    Attributes:
        objects: for each collection that is there, how many it holds.
        queued_vectors: for each, how many vectors wait for their index, on all nodes together.
        queued_objects: objects that were taken and are not stored yet, on all nodes together.
    """

    objects: Mapping[str, int]
    queued_vectors: Mapping[str, int]
    queued_objects: int


def server_figures(address: ServerAddress, api_key: str | None, collections: Collection[str]) -> ServerFigures:
    """What the server tells of these collections; of those that are not there, nothing.

    Raises:
        ServerNotUsableError: it does not answer, or not these questions.
    """
    nodes = _json(answer(address, "/v1/nodes?output=verbose", api_key))["nodes"]
    queued: Counter[str] = Counter()
    for shard in (each for node in nodes for each in node.get("shards") or ()):
        if shard["class"] in collections:
            queued[shard["class"]] += shard.get("vectorQueueLength") or 0
    waiting = sum((node.get("batchStats") or {}).get("queueLength") or 0 for node in nodes)
    return ServerFigures(_counts(address, api_key, sorted(queued)), dict(queued), waiting)


def _counts(address: ServerAddress, api_key: str | None, collections: Collection[str]) -> dict[str, int]:
    """How many objects each holds. What the nodes say of it lags behind: it leaves out what is still in memory."""
    if not collections:
        return {}
    query = "{ Aggregate { " + " ".join(f"{name} {{ meta {{ count }} }}" for name in collections) + " } }"
    body = json.dumps({"query": query}).encode()
    found = _json(answer(address, "/v1/graphql", api_key, body))["data"]["Aggregate"]
    return {name: int(found[name][0]["meta"]["count"]) for name in collections}


def _json(text: bytes) -> Any:
    return json.loads(text)
