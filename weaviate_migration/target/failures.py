"""What weaviate-client raises, as errors of this project: by the type and the status, never by the text."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import httpx
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
    except httpx.TransportError as error:  # weaviate-client maps only two of them.
        raise _no_answer(doing, str(error) or type(error).__name__) from error


def target_error(error: WeaviateBaseError, doing: str) -> TargetError:
    """The error of this project for one of weaviate-client's."""
    call, status = _failed_call(error), error.status_code if isinstance(error, UnexpectedStatusCodeError) else None
    code = call.code() if call else None
    said = f"{code.name}: {call.details()}" if call and code else error.message.partition("\n")[0]
    if isinstance(error, InsufficientPermissionsError) or code is grpc.StatusCode.UNAUTHENTICATED or status == 401:
        return TargetError(f"{doing}: Weaviate refuses this key ({said})", "Check the key and its rights.")
    no_answer = isinstance(error, WeaviateConnectionError | WeaviateRetryError | WeaviateTimeoutError)
    if no_answer or code in _TRANSIENT_CODES or status in _TRANSIENT_STATUSES:
        return _no_answer(doing, said)
    return TargetError(f"{doing}: {said}")


def _no_answer(doing: str, said: str) -> TransientTargetError:
    return TransientTargetError(
        f"{doing}: Weaviate does not answer ({said})", "When the server is well, the same command goes on."
    )


def grpc_code(error: WeaviateBaseError) -> grpc.StatusCode | None:
    """The status of the gRPC call that failed; None if it was another."""
    call = _failed_call(error)
    return call.code() if call else None


def is_too_large(error: WeaviateBaseError) -> bool:
    """Whether only the size of a message was refused, so that halves of it may fit."""
    return grpc_code(error) is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in str(error)


def _failed_call(error: BaseException) -> grpc.Call | None:
    """The gRPC call behind an error: weaviate-client keeps only its text, Python keeps what an error came from."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, grpc.Call):
        behind = behind.__cause__ or behind.__context__
    return behind
