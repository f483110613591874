"""What weaviate-client raises, as errors of this project: by type and status, or by the text where they say nothing."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

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

from weaviate_migration.base.errors import (
    ErrorCategory,
    MigrationError,
    TargetConnectionError,
    TargetError,
    TargetLimitError,
    TargetOverloadError,
    TargetTimeoutError,
    TargetTooLargeError,
    TransientTargetError,
    UnusableAnswerError,
)

_CODES: Mapping[grpc.StatusCode, type[TransientTargetError]] = {
    grpc.StatusCode.UNAVAILABLE: TargetConnectionError,
    grpc.StatusCode.CANCELLED: TargetConnectionError,
    grpc.StatusCode.DEADLINE_EXCEEDED: TargetTimeoutError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TargetOverloadError,
    grpc.StatusCode.ABORTED: TargetOverloadError,
}
PASSING_STATUSES: Mapping[int, type[TransientTargetError]] = {
    429: TargetOverloadError,
    502: TargetConnectionError,
    503: TargetOverloadError,
    504: TargetTimeoutError,
}
# Where the server gives no code, text decides, and nowhere else: of single objects it has only that, a call ends with
# UNKNOWN or 500. Each of these was seen from a server that took the same later: read-only shard, overload, a node or a
# disk away for a while; one that is being shut down finds neither its own node nor a replica (1.39.0).
_TRANSIENT_TEXTS: tuple[tuple[type[TransientTargetError], re.Pattern[str]], ...] = (
    (
        TargetOverloadError,
        re.compile(r"read-only|too many requests|\b429\b|service unavailable|not enough memory|no space left", re.I),
    ),
    (TargetTimeoutError, re.compile(r"deadline exceeded", re.I)),
    (
        TargetConnectionError,
        re.compile(
            r"\b5\d\d\b status|connection refused|context canceled|leader not found|shutting down"
            r"|failed with status: 50[234]\b|resolve node name|no (read|write) replica found"
            # Of a cluster whose nodes do not reach one another, of which too few are there, or one has not made a
            # collection yet that the others have.
            r"|rpc error: code = (Unavailable|Canceled|DeadlineExceeded|Aborted)\b"
            r"|node is not the leader|leadership lost|non-existing index"
            r"|cannot reach enough replicas|connect: \w+ \"https?://|: EOF$",
            re.I,
        ),
    ),
)
# The same of a change of the schema or of an alias, while the nodes elect the one that decides: with the status of a
# wrong request.
_NO_LEADER = re.compile(r"leader not found|node is not the leader|leadership lost", re.I)
# Of a vectorizer of the server, which has no code either: it would refuse every object, and no waiting helps.
_OF_EVERY_OBJECT: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"no api key found", re.I),
        "Name the header with the key in the mapping, with `headers` of that vector: the message says which.",
    ),
    (
        re.compile(r"failed with status: 40[13]\b"),
        "Set the variable that `headers` of that vector names to another key.",
    ),
    (
        re.compile(r"panic occurred"),
        "Look into the server's log. Modules such as text2vec-openai fetch a vocabulary from the internet at first "
        "use: without it, set TIKTOKEN_CACHE_DIR in the server's environment to a folder that has it.",
    ),
)
_SAID: Mapping[type[TransientTargetError], str] = {
    TargetConnectionError: "does not answer",
    TargetTimeoutError: "does not answer in time",
    TargetOverloadError: "is overloaded",
}


# What a server answers when a quota of its settings is reached, in JSON and in the details of a gRPC status: both have
# the code of an overload, and no waiting helps.
_QUOTA = "USAGE_LIMIT_EXCEEDED"
_DETAILS = "grpc-status-details-bin"
# Of a message over the limit, the server's or the client's, which has the code of an overload, too.
_TOO_LARGE = "larger than max"
# For too few nodes there is no code of its own. This text decides what is advised, not whether it is tried again.
_TOO_FEW_NODES = "not find enough weaviate nodes for replication"


# Of what a server says, so much is told: it may say anything, at any length.
_LONGEST_SAID = 500
# Where answers are taken apart: in weaviate-client, and by our own two readers of what it has no way to read.
_READERS = ("weaviate", "weaviate_migration.target.search_reply", "weaviate_migration.target.object_pages")


class Rejection(NamedTuple):
    """Why one object of a call was not taken, and the category of that: `refused` by the server, or `conversion`."""

    reason: str
    category: ErrorCategory = "refused"


def not_encodable(error: Exception) -> Rejection:
    """Of an object that cannot be sent at all."""
    return Rejection(f"weaviate-client cannot encode it: {error}", "conversion")


@contextmanager
def target_errors(doing: str) -> Iterator[None]:
    """Maps what weaviate-client raises inside; also a decorator.

    Args:
        doing: what failed then, as the beginning of a sentence: `reading aliases`.

    Raises:
        TransientTargetError: a failure that may pass; its class says whether no answer, too slow, or overload.
        TargetLimitError: the server's own settings do not allow it.
        UnusableAnswerError: what came is not an answer of a Weaviate.
        TargetTooLargeError: a message is larger than the server's settings allow.
        TargetError: any other.
    """
    try:
        yield
    except MigrationError:
        raise
    except WeaviateBaseError as error:
        raise target_error(error, doing) from error
    except httpx.TransportError as error:  # weaviate-client maps only two of them.
        raise _passing(_kind_of_transport(error), doing, _shortened(str(error)) or type(error).__name__) from error
    except Exception as error:
        if not _is_of_an_answer(error):
            raise
        said = _shortened(f"{type(error).__name__}: {error}")
        raise UnusableAnswerError(
            f"{doing}: what came is not an answer of Weaviate ({said})",
            "Correct --weaviate-url, or look at what stands before the server.",
        ) from error


def _is_of_an_answer(error: Exception) -> bool:
    """Whether something failed where an answer was read: what a Weaviate never says has many ways to be no answer.

    What is nested too deeply, numbers of too many digits, fields that are absent or of other types: each raises another
    exception, wherever the client happens to notice it.
    """
    at = error.__traceback__
    while at is not None:
        module = str(at.tb_frame.f_globals.get("__name__"))
        if module in _READERS or module.startswith(f"{_READERS[0]}."):
            return True
        at = at.tb_next
    return False


def _shortened(text: str) -> str:
    """The first line of a text, or the beginning of it."""
    line = text.partition("\n")[0]
    return line if len(line) <= _LONGEST_SAID else f"{line[:_LONGEST_SAID]}…"


def target_error(error: WeaviateBaseError, doing: str) -> TargetError:
    """The error of this project for one of weaviate-client's."""
    call, status = _failed_call(error), error.status_code if isinstance(error, UnexpectedStatusCodeError) else None
    code = call.code() if call else None
    said = _shortened(f"{code.name}: {call.details()}" if call and code else error.message)
    if isinstance(error, InsufficientPermissionsError) or code is grpc.StatusCode.UNAUTHENTICATED or status == 401:
        return TargetError(
            f"{doing}: Weaviate refuses this key ({said})",
            "Give the key the right to do this, or use another one: --api-key.",
        )
    if (limit := _limit_error(error, call, doing)) is not None:
        return limit
    if is_too_large(error):  # It has the code of an overload, too.
        return TargetTooLargeError(
            f"{doing}: larger than a message of this Weaviate may be ({said})",
            "Make the row smaller, or raise GRPC_MAX_MESSAGE_SIZE in the server's environment.",
        )
    passing = _passing_kind(error, call)
    return _passing(passing, doing, said) if passing else TargetError(f"{doing}: {said}")


def _limit_error(error: WeaviateBaseError, call: grpc.Call | None, doing: str) -> TargetLimitError | None:
    """The error for what the server's settings do not allow, with the setting that does; None for any other."""
    if (said := _quota_reached(error, call)) is not None:
        return TargetLimitError(
            f"{doing}: a quota of this Weaviate is reached ({_shortened(said)})",
            "Remove what nobody needs (`weaviate-migration cleanup` removes older versions), or raise it in the "
            "server's environment: MAXIMUM_ALLOWED_COLLECTIONS_COUNT, or MAXIMUM_ALLOWED_OBJECTS_COUNT.",
        )
    if _TOO_FEW_NODES in error.message:
        nodes = re.search(rf"{_TOO_FEW_NODES}: (\d+ available, \d+ requested)", error.message)
        return TargetLimitError(
            f"{doing}: this Weaviate has too few nodes for its replication{f' ({nodes[1]})' if nodes else ''}",
            "Add nodes, or lower `replication` in the mapping, or the server's REPLICATION_MINIMUM_FACTOR.",
        )
    return None


def _quota_reached(error: WeaviateBaseError, call: grpc.Call | None) -> str | None:
    """What the server says of a quota that is reached; None where none is."""
    body: Any = error.error if isinstance(error, UnexpectedStatusCodeError) else None
    if _is_quota(body):
        return str(body.get("message", body.get("limit")))
    return str(call.details()) if call and _is_quota_of_call(call) else None


def _is_quota(body: Any) -> bool:
    return isinstance(body, dict) and body.get("errorCode") == _QUOTA


def _is_quota_of_call(call: grpc.Call) -> bool:
    return _QUOTA.encode() in dict(call.trailing_metadata() or ()).get(_DETAILS, b"")


def call_may_pass(error: BaseException) -> bool:
    """Whether this is a call of gRPC that failed, and that may work when it is made again as it is."""
    if not isinstance(error, grpc.Call) or _is_quota_of_call(error) or _is_size(error):
        return False
    return _kind_of_call(error) is not None


def response_may_pass(response: httpx.Response) -> bool:
    """Whether another answer may come when the same is asked again; the response is read."""
    return _kind_of_status(response.status_code, response.text) is not None and not _is_quota(_body(response))


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def passing_kind(said: str) -> type[TransientTargetError] | None:
    """The class of a failure that may pass, where there is no more than a text; None for any other."""
    return next((kind for kind, text in _TRANSIENT_TEXTS if text.search(said)), None)


def refusal_of_all(said: str) -> TargetError | None:
    """The error for a refusal that every other object would meet with; None for one that is about its object alone.

    Args:
        said: why the server did not take an object.
    """
    hint = next((hint for text, hint in _OF_EVERY_OBJECT if text.search(said)), None)
    return TargetError(f"the server's vectorizer makes no vectors: {_shortened(said)}", hint) if hint else None


def _kind_of_call(call: grpc.Call) -> type[TransientTargetError] | None:
    return passing_kind(str(call.details())) if call.code() is grpc.StatusCode.UNKNOWN else _CODES.get(call.code())


def _kind_of_status(status: int, said: str) -> type[TransientTargetError] | None:
    if status == httpx.codes.UNPROCESSABLE_ENTITY and _NO_LEADER.search(said):
        return TargetConnectionError
    return passing_kind(said) if status == httpx.codes.INTERNAL_SERVER_ERROR else PASSING_STATUSES.get(status)


def tells_of_gone_node(error: Exception) -> bool:
    """Whether nobody answers a call of gRPC any more: another node of the cluster may."""
    if isinstance(error, grpc.Call):
        return error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    return isinstance(error, TargetConnectionError)


def _passing_kind(error: WeaviateBaseError, call: grpc.Call | None) -> type[TransientTargetError] | None:
    """The class of a failure that may pass: by its gRPC code or HTTP status, else by the type; None for any other."""
    kind = _kind_of_call(call) if call else None
    if isinstance(error, UnexpectedStatusCodeError):
        kind = _kind_of_status(error.status_code, error.message)
    if kind is None and isinstance(error, WeaviateTimeoutError):
        return TargetTimeoutError
    if kind is None and isinstance(error, WeaviateConnectionError | WeaviateRetryError):
        return TargetConnectionError
    if kind is None and isinstance(error.__cause__, httpx.TransportError):  # It broke off while the client connected.
        return _kind_of_transport(error.__cause__)
    return kind


def _kind_of_transport(error: httpx.TransportError) -> type[TransientTargetError]:
    return TargetTimeoutError if isinstance(error, httpx.TimeoutException) else TargetConnectionError


def _passing(kind: type[TransientTargetError], doing: str, said: str) -> TransientTargetError:
    return kind(f"{doing}: Weaviate {_SAID[kind]} ({said})", "When the server is well, the same command goes on.")


def is_too_large(error: WeaviateBaseError) -> bool:
    """Whether only the size of a message was refused, so that halves of it may fit."""
    call = _failed_call(error)
    return call is not None and _is_size(call)


def _is_size(call: grpc.Call) -> bool:
    return call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in str(call.details())


def _failed_call(error: BaseException) -> grpc.Call | None:
    """The gRPC call behind an error: weaviate-client keeps only its text, Python keeps what an error came from."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, grpc.Call):
        behind = behind.__cause__ or behind.__context__
    return behind
