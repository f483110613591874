"""Searches worth showing over the demo's content."""

from typing import NamedTuple


class DemoSearch(NamedTuple):
    """One keyword search (BM25): in which collection, for which words, in which property."""

    collection: str
    query: str
    property_name: str


DEMO_SEARCHES = (
    DemoSearch("Message", "merge sorted inputs", "content"),
    DemoSearch("DocumentChunk", "create temporary directory", "content"),
    DemoSearch("Document", "regular expression pattern syntax", "content"),
)
