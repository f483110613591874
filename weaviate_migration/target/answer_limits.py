"""How much a Weaviate may answer over HTTP. Over gRPC the client has limits of its own, in bytes and in time."""

from typing import Any

import httpx

from weaviate_migration.base import limited_http
from weaviate_migration.base.errors import UnusableAnswerError

LARGEST_PAGE_BYTES = 256 * 1024 * 1024
"""Of a page of objects: twice what the largest object may have (`MESSAGE_BYTES`), since JSON escapes characters."""
LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""Of any other answer: the longest one lists tenants, here about 150,000. As Python objects it takes 20 times that."""
PAGES = "/v1/objects"


def _largest(path: str) -> int:
    return LARGEST_PAGE_BYTES if path == PAGES else LARGEST_ANSWER_BYTES


WEAVIATE_ANSWERS = limited_http.AnswerLimits(
    _largest,
    UnusableAnswerError,
    "Is that a Weaviate, and its own answer? Correct --weaviate-url, or look at what stands before it.",
)


def limited_client(secure: bool, **settings: Any) -> httpx.Client:
    """A client of httpx with these settings, which keeps to the limits, and asks no proxy and no environment."""
    return limited_http.limited_client(secure, WEAVIATE_ANSWERS, **settings)
