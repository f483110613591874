"""Writes objects in batches, from several threads, and says what became of each one.

Nothing counts as written because no exception came. A reply without any error acknowledges its objects. A reply with
errors acknowledges none of them: for a read-only shard the server names only the first object of the batch and reports
all others as stored, though none is (measured on 1.39.0). So the objects that it did not refuse are sent again, which
is harmless, since their UUIDs are fixed.
"""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from structlog.contextvars import bound_contextvars
from tenacity import RetryCallState, retry_if_exception_type
from weaviate import WeaviateClient
from weaviate.classes.query import Filter
from weaviate.collections import Collection
from weaviate.exceptions import (
    InsufficientPermissionsError,
    WeaviateBatchError,
    WeaviateRetryError,
)

from weaviate_migration.base.bounded_pool import BoundedPool
from weaviate_migration.base.deadline import bounded
from weaviate_migration.base.errors import (
    ErrorCategory,
    MigrationError,
    TargetConnectionError,
    TargetOverloadError,
    TargetTimeoutError,
    TransientTargetError,
    UnusableAnswerError,
)
from weaviate_migration.base.redaction import redacted
from weaviate_migration.base.repeats import repeating
from weaviate_migration.base.settings import spare_memory_mb
from weaviate_migration.base.write_guards import confirm_writes
from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.mapping.row_to_object import NO_REFERENCES, ObjectDraft, References
from weaviate_migration.target.calls import carrying
from weaviate_migration.target.failures import (
    Rejection,
    is_too_large,
    passing_kind,
    refusal_of_all,
    target_error,
    target_errors,
)
from weaviate_migration.target.message_size import MESSAGE_BYTES, estimated_size, too_large
from weaviate_migration.target.read_back import uuids_present
from weaviate_migration.target.references import add_references
from weaviate_migration.target.sending import way_to_send
from weaviate_migration.target.tenants import parts_of_objects

logger = logging.getLogger(__name__)

# The server removes at most 10,000 objects at once (QUERY_MAXIMUM_RESULTS), silently.
REMOVALS_PER_REQUEST = 1_000

# What memory has room for, for each worker; and how often a batch is there while it is sent (3.3 times its estimate,
# those that wait included: measured).
_BATCHES_IN_MEMORY = 4
_COPIES = 5

# Where one in so many references leads nowhere, adding all of them costs less than sending objects twice.
_MANY = 4


@dataclass(frozen=True)
class WriteSettings:
    """How to write.

    Attributes:
        batch_size: objects in a batch at most.
        max_batch_bytes: estimated bytes of a batch at most, unless one object alone is larger.
        max_object_bytes: an object estimated larger than this is refused without being sent.
        worker_count: batches under way at once.
        max_retries: how often what failed for a passing reason is sent again.
        retry_delay: seconds before the first of these; doubled each time, with jitter of the same size.
    """

    batch_size: int
    max_batch_bytes: int
    max_object_bytes: int
    worker_count: int
    max_retries: int
    retry_delay: float

    @property
    def max_bytes_under_way(self) -> int:
        """Estimated bytes of all batches that are sent, or wait for it, where they are as large as they may be."""
        return _BATCHES_IN_MEMORY * self.worker_count * self.max_batch_bytes // _COPIES


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object that will not be in Weaviate, and why.

    Attributes:
        category: `refused` by the server, or `conversion`: it cannot be sent at all.
    """

    draft: ObjectDraft
    reason: str
    category: ErrorCategory = "refused"


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects of one partition that are sent in one call; the batches of a partition are counted from 1.

    Attributes:
        remains: addresses of the objects that are removed first, by whatever they can still be found.
    """

    partition: str
    number: int
    drafts: tuple[ObjectDraft, ...]
    estimated_bytes: int
    remains: tuple[str, ...] = ()


@dataclass(slots=True)
class BatchOutcome:
    """What became of each object of a batch: it is refused, or in Weaviate. An object counts once, however sent.

    Attributes:
        removed: objects that were there before, and are refused now; they are not there any more.
        unresolved: the references that are added unchecked, by the address of their object: what they lead to may not
            be there.
        retried_by: objects that were sent again, as often as they were, by the category of the error before.
        seconds: until each object had its outcome, other tries and the waits for them included.
    """

    batch: Batch
    refusals: list[Refusal] = field(default_factory=list)
    removed: int = 0
    unresolved: dict[str, References] = field(default_factory=dict)
    retried_by: dict[ErrorCategory, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def retried(self) -> int:
        """How many objects were sent again, as often as they were."""
        return sum(self.retried_by.values())

    @property
    def written(self) -> int:
        """How many objects of the batch are in Weaviate."""
        return len(self.batch.drafts) - len(self.refusals)


def cut_into_batches(partition: str, drafts: Iterable[ObjectDraft], settings: WriteSettings) -> Iterator[Batch]:
    """Cuts one partition's objects into batches, by number and by bytes."""
    pending: list[ObjectDraft] = []
    size, number = 0, 1
    for draft in drafts:
        draft_bytes = estimated_size(draft)
        if pending and (len(pending) >= settings.batch_size or size + draft_bytes > settings.max_batch_bytes):
            yield Batch(partition, number, tuple(pending), size)
            pending, size, number = [], 0, number + 1
        pending.append(draft)
        size += draft_bytes
    if pending:
        yield Batch(partition, number, tuple(pending), size)


@target_errors("asking for the limits of the server")
def largest_message(client: WeaviateClient) -> int:
    """The server's limit for one gRPC message, in bytes, as it tells it.

    Raises:
        UnusableAnswerError: it tells none that can be.
    """
    told = client.get_meta().get("grpcMaxMessageSize", MESSAGE_BYTES)
    if not isinstance(told, int) or not 0 < told < 2**31:
        raise UnusableAnswerError("Weaviate says of its largest message what cannot be: grpcMaxMessageSize is no size")
    return told


class BatchLimits(Protocol):
    """What a person sets of batches: a `MigrationConfig` has it, and the resource of a Dagster run."""

    @property
    def batch_size(self) -> int:
        """Objects in a batch at most."""

    @property
    def worker_count(self) -> int:
        """Batches under way at once."""

    @property
    def max_retries(self) -> int:
        """How often an object is sent again."""

    @property
    def retry_delay(self) -> float:
        """Seconds before the first of these."""

    @property
    def memory_limit_mb(self) -> int:
        """For the whole process."""


def write_settings(limits: BatchLimits, client: WeaviateClient) -> WriteSettings:
    """The writer's settings for this server: half its gRPC limit for a batch, less where memory is short.

    Every worker has a batch, one more waits for it, and each exists twice: as objects and as a request. Of batches that
    are full fewer are under way: gRPC copies their bytes, too.
    """
    largest = largest_message(client)
    share = spare_memory_mb(limits.memory_limit_mb) * 1024 * 1024 // (_BATCHES_IN_MEMORY * limits.worker_count)
    return WriteSettings(
        batch_size=limits.batch_size,
        max_batch_bytes=min(largest // 2, share),
        max_object_bytes=largest,
        worker_count=limits.worker_count,
        max_retries=limits.max_retries,
        retry_delay=limits.retry_delay,
    )


@target_errors("removing an object")
def remove_object(collection: Collection[Any, Any], of_object: str) -> bool:
    """Removes the object of this address, and says whether it was there: the server says yes to any removal."""
    confirm_writes()
    return any(
        objects.data.exists(uuid) and objects.data.delete_by_id(uuid)
        for _, objects, (uuid,) in parts_of_objects(collection, [of_object])
    )


@target_errors("removing objects")
def remove_objects(collection: Collection[Any, Any], uuids: Sequence[str]) -> int:
    """Removes the objects of these addresses, as far as they are there, and returns how many were.

    Raises:
        TargetError: the server did not remove all of them.
    """
    parts = parts_of_objects(collection, uuids)
    return sum(_remove_objects(objects, of_tenant) for _, objects, of_tenant in parts)


def _remove_objects(collection: Collection[Any, Any], uuids: Sequence[str]) -> int:
    removed = 0
    for start in range(0, len(uuids), REMOVALS_PER_REQUEST):
        group = list(uuids[start : start + REMOVALS_PER_REQUEST])
        confirm_writes()
        found = collection.data.delete_many(where=Filter.by_id().contains_any(group))
        if found.failed:
            raise TargetOverloadError(
                f"{found.failed} of {found.matches} objects of {collection.name} were not removed"
            )
        removed += found.successful
    return removed


def remove_remains(collection: Collection[Any, Any], uuids: Sequence[str]) -> int:
    """Removes what a killed server may have kept of these objects, and returns how many there were.

    One may be there without its entry in the index of UUIDs, by which others are found: it is asked for by itself.
    """
    found = uuids_present(collection, uuids)
    removed = remove_objects(collection, sorted(found))
    return removed + sum(remove_object(collection, uuid) for uuid in uuids if uuid not in found)


class ObjectWriter:
    """Writes batches into one collection.

    Args:
        collection: of a connected client; it is used from several threads.
        irreplaceable: vectors that only their objects have. An object with one is never removed to be written again:
            who is killed in between would lose it.
    """

    def __init__(
        self, collection: Collection[Any, Any], settings: WriteSettings, irreplaceable: Iterable[str] = ()
    ) -> None:
        self._collection = collection
        self._send_objects = way_to_send(collection)
        self._settings = settings
        self._irreplaceable = frozenset(irreplaceable)
        self._stopped = threading.Event()
        self._adds_references = False

    def write(self, batches: Iterable[Batch]) -> Iterator[BatchOutcome]:
        """Writes all batches, a few under way at once, and yields what became of each, in the order of completion.

        Raises:
            TransientTargetError: a failure that may pass did not within `max_retries`.
            TargetError: the server refuses to work for this client at all.
        """
        with BoundedPool(self._settings.worker_count, "weaviate-writer") as pool:
            under_way: dict[Future[BatchOutcome | None], int] = {}
            try:
                for batch in batches:
                    # Of a batch of one large object as many are under way as memory has room for.
                    while under_way and self._is_full(under_way, batch):
                        yield from _finished(under_way)
                    future = pool.submit(self._write_unless_stopped, batch)
                    under_way[future] = batch.estimated_bytes
                    # One batch waits for each worker: the next one is ready when a worker is, and memory stays bounded.
                    if len(under_way) >= 2 * self._settings.worker_count:
                        yield from _finished(under_way)
                while under_way:
                    yield from _finished(under_way)
            finally:
                self._stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                self._stopped.clear()

    def _is_full(self, under_way: Mapping[Future[BatchOutcome | None], int], batch: Batch) -> bool:
        return sum(under_way.values()) + batch.estimated_bytes > self._settings.max_bytes_under_way

    def _write_unless_stopped(self, batch: Batch) -> BatchOutcome | None:
        """None where another batch failed before: a server that is gone would be waited for again and again."""
        try:
            return None if self._stopped.is_set() else self.write_batch(batch)
        except Exception:
            if self._stopped.is_set():
                return None
            self._stopped.set()
            raise

    def write_batch(self, batch: Batch) -> BatchOutcome:
        """Writes one batch; what fails for a passing reason is sent again, as the settings say."""
        outcome = BatchOutcome(batch)
        pending = self._without_too_large(batch.drafts, outcome)
        kept = {draft.uuid for draft in batch.drafts if not self._irreplaceable.isdisjoint(draft.vectors)}
        remains = [uuid for uuid in batch.remains if uuid not in kept]

        def note_retry(state: RetryCallState) -> None:
            self._note_retry(state, outcome, len(pending))
            if _may_be_stored_in_part(state):
                remains[:] = [draft.uuid for draft in pending if draft.uuid not in kept]

        write = repeating(self._settings, retry_if_exception_type(TransientTargetError), note_retry, _give_up)
        began = time.monotonic()
        # Ctrl-C, or another batch that failed, ends this one too.
        with bound_contextvars(partition=batch.partition, batch=batch.number), bounded(stop=self._stopped):
            write(self._replace, remains, pending, outcome)
            outcome.seconds = time.monotonic() - began
            refused = len(outcome.refusals)
            logger.debug("%d objects written, %d refused, in %.3f s", outcome.written, refused, outcome.seconds)
            # What was refused may be there: as it was before, or without the index entry of a vector that does not fit
            # the first one of a new index (measured on 1.39.0). Then it is not what its row says.
            outcome.removed = sum(remove_object(self._collection, each.draft.uuid) for each in outcome.refusals)
        return outcome

    def _replace(self, remains: list[str], pending: list[ObjectDraft], outcome: BatchOutcome) -> None:
        """What was removed leaves `remains`, so a retry does not remove what it has sent."""
        failure = self._remove(remains)
        # It is sent all the same: of a shard that takes nothing, the answer to this says why.
        self._send_until_acknowledged(pending, outcome)
        if failure is not None:
            raise failure

    def _remove(self, remains: list[str]) -> TransientTargetError | None:
        """Removes these objects; returns a failure that may pass."""
        try:
            remove_remains(self._collection, remains)
        except TransientTargetError as error:
            return error
        remains.clear()
        return None

    def _without_too_large(self, drafts: Sequence[ObjectDraft], outcome: BatchOutcome) -> list[ObjectDraft]:
        """The server would refuse the whole batch for one object over its gRPC limit."""
        limit = self._settings.max_object_bytes
        if outcome.batch.estimated_bytes <= limit:
            return list(drafts)
        reasons = [too_large(estimated_size(draft), limit) for draft in drafts]
        judged = list(zip(drafts, reasons, strict=True))
        outcome.refusals.extend(Refusal(draft, reason, "conversion") for draft, reason in judged if reason)
        return [draft for draft, reason in judged if not reason]

    def _send_until_acknowledged(self, pending: list[ObjectDraft], outcome: BatchOutcome) -> None:
        """Sends until a reply has no errors. What was refused leaves `pending`, so a retry does not send it again.

        The server refuses an object for a reference that leads nowhere. So one that has any, and is refused, is sent
        without; if it is taken then, its references are added, unchecked: as in SQLite, a row may name a parent that
        comes later, or never. Writing it anew drops the references that it had: none is there twice. Where many of a
        batch were refused so, the next ones are not tried with references: each would be sent twice.
        """
        tried = 0 if self._adds_references else sum(bool(draft.references) for draft in pending)
        if self._adds_references:
            outcome.unresolved |= {draft.uuid: draft.references for draft in pending if draft.references}
            pending[:] = [draft._replace(references=NO_REFERENCES) for draft in pending]
        while pending:
            # The other workers may send as much at the same time.
            with carrying(outcome.batch.estimated_bytes * self._settings.worker_count):
                refused = self._send(pending)
            if not refused:
                break
            for index, each in refused.items():
                draft = pending[index]
                if draft.references:
                    outcome.unresolved[draft.uuid] = draft.references
                else:
                    outcome.unresolved.pop(draft.uuid, None)
                    outcome.refusals.append(Refusal(draft, redacted(each.reason), each.category))
            pending[:] = [
                draft._replace(references=NO_REFERENCES) if index in refused else draft
                for index, draft in enumerate(pending)
                if index not in refused or draft.references
            ]
        add_references(self._collection, outcome.unresolved)
        # With tenants no reference is added unchecked: there each has to be tried.
        without_tenants = sum(split_address(each)[0] is None for each in outcome.unresolved)
        if tried and without_tenants * _MANY > tried:
            self._adds_references = True

    def _send(self, drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
        """Sends once; returns the objects that were not taken, by index, with the reason.

        Raises:
            TransientTargetError: something failed that may pass.
            TargetError: the server refuses to work for this client at all.
        """
        confirm_writes()
        try:
            rejected = self._send_objects(self._collection, drafts)
        except (WeaviateRetryError, WeaviateBatchError, InsufficientPermissionsError) as error:
            if not is_too_large(error):
                raise target_error(error, f"writing objects of {self._collection.name}") from error
            return self._send_halves(drafts) if len(drafts) > 1 else {0: Rejection(str(error), "conversion")}
        for reason, category in rejected.values():
            if category == "refused" and (passing := passing_kind(reason)) is not None:
                raise passing(f"Weaviate does not take objects of {self._collection.name} now: {reason}")
            if (stop := refusal_of_all(reason)) is not None:
                raise stop
        return rejected

    def _send_halves(self, drafts: Sequence[ObjectDraft]) -> dict[int, Rejection]:
        middle = len(drafts) // 2
        first = self._send(drafts[:middle])
        return first | {middle + index: rejection for index, rejection in self._send(drafts[middle:]).items()}

    def _note_retry(self, state: RetryCallState, outcome: BatchOutcome, objects: int) -> None:
        error = state.outcome.exception() if state.outcome else None
        category = error.category if isinstance(error, MigrationError) else "internal"
        outcome.retried_by[category] = outcome.retried_by.get(category, 0) + objects
        logger.warning(
            "partition %s: %d objects are sent again in %.1f s (%d of %d): %s",
            outcome.batch.partition,
            objects,
            state.upcoming_sleep,
            state.attempt_number,
            self._settings.max_retries,
            error.message if isinstance(error, TransientTargetError) else error,
            extra={
                "category": category,
                "attempt": state.attempt_number,
                "attempts": self._settings.max_retries + 1,
            },
        )


def _may_be_stored_in_part(state: RetryCallState) -> bool:
    """Whether what was sent may be there without all of its entries in the indexes.

    A server that is killed keeps objects that it had not acknowledged, and loses entries of theirs in its indexes; the
    same object sent again brings none back, since nothing of it differs (measured on 1.39.0). So it is removed first.
    """
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, TargetConnectionError | TargetTimeoutError)


def _give_up(state: RetryCallState) -> None:
    """Raises the last error again, which now says how often it was tried."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientTargetError), "no other error is tried again"
    tried = f", after {state.attempt_number} attempts" if state.attempt_number > 1 else ""
    raise type(error)(f"{error.message}{tried}", error.hint) from error


def _finished(under_way: dict[Future[BatchOutcome | None], int]) -> Iterator[BatchOutcome]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        del under_way[future]
    for future in done:
        if (outcome := future.result()) is not None:
            yield outcome
