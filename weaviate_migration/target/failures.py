"""What weaviate-client raises, as errors of this project: by the type and the status, never by the text."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from weaviate.exceptions import (
    InsufficientPermissionsError,
    UnexpectedStatusCodeError,
    WeaviateBaseError,
    WeaviateConnectionError,
    WeaviateRetryError,
    WeaviateTimeoutError,
)

from weaviate_migration.errors import TargetError, TransientTargetError

_TRANSIENT_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)
_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})


@contextmanager
def target_errors(doing: str) -> Iterator[None]:
    """Maps what weaviate-client raises inside; also a decorator.

    Args:
        doing: what failed then, as the beginning of a sentence: `reading aliases`.

    Raises:
        TransientTargetError: a failure that may pass: no answer, overload, too slow.
        TargetError: any other.
    """
    try:
        yield
    except WeaviateBaseError as error:
        raise target_error(error, doing) from error


def target_error(error: WeaviateBaseError, doing: str) -> TargetError:
    """The error of this project for one of weaviate-client's."""
    code, status = grpc_code(error), error.status_code if isinstance(error, UnexpectedStatusCodeError) else None
    if isinstance(error, InsufficientPermissionsError) or code is grpc.StatusCode.UNAUTHENTICATED or status == 401:
        return TargetError(f"{doing}: Weaviate refuses this key: {error.message}", "Check the key and its rights.")
    no_answer = isinstance(error, WeaviateConnectionError | WeaviateRetryError | WeaviateTimeoutError)
    if no_answer or code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES:
        return TransientTargetError(
            f"{doing}: Weaviate does not answer: {error.message}", "When the server is well, the same command goes on."
        )
    return TargetError(f"{doing}: {error.message}")


def grpc_code(error: WeaviateBaseError) -> grpc.StatusCode | None:
    """The status of the gRPC call that failed: weaviate-client keeps only its text, Python keeps the call."""
    code: grpc.StatusCode | None = error.__context__.code() if isinstance(error.__context__, grpc.Call) else None
    return code
