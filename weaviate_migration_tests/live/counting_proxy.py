"""A REST proxy in front of a real server that remembers what it was asked for."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.rest_proxy import run_rest_proxy


@contextmanager
def run_counting_proxy(
    server: ServerAddress, unknown: str = ""
) -> Iterator[tuple[list[dict[str, str]], ServerAddress]]:
    """The parameters of each page of objects that was asked for, and the server with the proxy's port.

    Args:
        unknown: a field of JSON that the server does not get to see: an older one passes over what it does not know.
    """
    pages: list[dict[str, str]] = []

    def sent(asked: str, body: bytes) -> bytes:
        url = urlsplit(asked.removeprefix("GET "))
        if url.path == "/v1/objects":
            pages.append(dict(parse_qsl(url.query)))
        if not (unknown and body):
            return body
        return json.dumps(json.loads(body, object_hook=lambda fields: _without(fields, unknown))).encode()

    with run_rest_proxy(server, sent) as address:
        yield pages, address


def _without(fields: dict[str, Any], unknown: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != unknown}
