"""How large an object is in a message, and how large a message may be: known without the client, a slow import."""

from typing import Any

from weaviate_migration.mapping.row_to_object import ObjectDraft

# What server 1.39.0 says of itself unless it is set up otherwise (`grpcMaxMessageSize`).
MESSAGE_BYTES = 104_858_000


def too_large(size: int, limit: int) -> str | None:
    """Why an object of this many bytes is refused without being sent; None if it is not."""
    return f"about {size} bytes, larger than the server's limit for a message ({limit})" if size > limit else None


def estimated_size(draft: ObjectDraft) -> int:
    """About how many bytes an object takes in a request: properties, float32s of vectors, UUIDs of references."""
    vectors = sum(16 + len(name) + 4 * len(vector) for name, vector in draft.vectors.items())
    references = sum(52 + len(name) for name in draft.references)
    return estimated_bytes(draft.properties) + vectors + references


def estimated_bytes(value: Any) -> int:
    """About how many bytes a value takes in a request: text in UTF-8, and 16 for each value around it."""
    if isinstance(value, str):
        return 16 + (len(value) if value.isascii() else len(value.encode(errors="surrogatepass")))
    if isinstance(value, dict):
        return 16 + sum(len(name) + estimated_bytes(each) for name, each in value.items())
    if isinstance(value, list):
        return 16 + sum(map(estimated_bytes, value))
    return 16
