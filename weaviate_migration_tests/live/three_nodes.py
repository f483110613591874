"""A real cluster of three Weaviate nodes on the loopback, each of which can be killed and started again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.server_process import LOOPBACK, Ports
from weaviate_migration_tests.live.free_ports import free_server_ports
from weaviate_migration_tests.live.own_server import StoppableServer

NODES = 3


@dataclass(frozen=True)
class ThreeNodes:
    """The nodes, which run; `nodes[0]` is the one that the others join."""

    nodes: tuple[StoppableServer, ...]

    @property
    def addresses(self) -> tuple[ServerAddress, ...]:
        return tuple(each.address for each in self.nodes)

    @property
    def address(self) -> ServerAddress:
        """Of all of them: the first, and the others that take its place."""
        first, *others = self.addresses
        return replace(first, others=tuple(others))

    @property
    def urls(self) -> tuple[str, ...]:
        """As `--weaviate-url` takes them: each with a gRPC port of its own, since they are on one machine."""
        return tuple(f"http://{at.host}:{at.http_port}?grpc_port={at.grpc_port}" for at in self.addresses)

    @property
    def options(self) -> list[object]:
        """The options that name them."""
        return [word for url in self.urls for word in ("--weaviate-url", url)]

    def start_those_that_are_gone(self) -> list[str]:
        """All run again after it, whatever a test has killed, and whatever has ended by itself; their names."""
        gone = {_name(number): each for number, each in enumerate(self.nodes) if not each.process.is_alive()}
        for each in gone.values():
            each.begin()
        for each in gone.values():
            each.wait_until_ready()
        return list(gone)


@contextmanager
def run_three_nodes(folder: Path, **settings: str) -> Iterator[ThreeNodes]:
    """A cluster of three nodes, ready; ended at the end.

    Args:
        folder: gets a folder for each node's data and log.
        settings: further variables of the environment of each.
    """
    ports = [free_server_ports() for _ in range(NODES)]
    nodes = tuple(
        StoppableServer(folder / _name(number), {**_membership(number, ports), **settings}, own)
        for number, own in enumerate(ports)
    )
    with ExitStack() as running:
        for each in nodes:
            running.callback(each.stop)
            each.begin()  # None is ready before the others are there.
        for each in nodes:
            each.wait_until_ready()
        for number, each in enumerate(nodes):  # Whichever is started again finds one that runs.
            others = [_gossip_address(other) for other in ports if other is not ports[number]]
            each.settings["CLUSTER_JOIN"] = ",".join(others)
        yield ThreeNodes(nodes)


def _name(number: int) -> str:
    return f"n{number}"


def _membership(number: int, ports: list[Ports]) -> dict[str, str]:
    """What makes the node one of the cluster: its name, the RAFT ports of all, and whom it asks first."""
    first = {} if number == 0 else {"CLUSTER_JOIN": _gossip_address(ports[0])}
    return {
        "CLUSTER_HOSTNAME": _name(number),
        "RAFT_JOIN": ",".join(f"{_name(other)}:{each.raft}" for other, each in enumerate(ports)),
        "RAFT_BOOTSTRAP_EXPECT": str(NODES),
        # By default each batch asks the leader for the schema, and one that asks in the moment in which the leader is
        # killed is answered by nobody: its caller waits as long as it waits at all (1.39.0).
        "COLLECTION_RETRIEVAL_STRATEGY": "LocalOnly",
        **first,
    }


def _gossip_address(ports: Ports) -> str:
    return f"{LOOPBACK}:{ports.gossip}"
