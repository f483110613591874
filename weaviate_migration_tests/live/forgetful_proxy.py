"""A REST proxy in front of a real server that loses answers: what was asked for is done, and nobody hears of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.rest_proxy import run_rest_proxy


class Forgetful:
    """What is lost.

    Attributes:
        lost: beginnings of requests (`POST /v1/aliases`); of each the next answer is lost, once.
        asked: what was asked for.
    """

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.asked: list[str] = []

    def loses(self, asked: str) -> bool:
        """Whether the answer to this request is lost."""
        self.asked.append(asked)
        found = next((each for each in self.lost if asked.startswith(each)), None)
        if found is not None:
            self.lost.remove(found)
        return found is not None


@contextmanager
def run_forgetful_proxy(server: ServerAddress) -> Iterator[tuple[Forgetful, ServerAddress]]:
    """The proxy, and the address of the server with the proxy's port."""
    forgetful = Forgetful()
    with run_rest_proxy(server, loses=forgetful.loses) as address:
        yield forgetful, address
