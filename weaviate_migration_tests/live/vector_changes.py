"""Changes of notes whose bodies a service makes vectors of, and what is there of them."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import numpy as np
import weaviate

from weaviate_migration.api.sync import SyncResult, follow_changes
from weaviate_migration_tests.embedding_service import Answer, EmbeddingService
from weaviate_migration_tests.live.command_line import SECONDS
from weaviate_migration_tests.live.embedded_notes import EmbeddedNotes, vectors_by_body
from weaviate_migration_tests.live.notes import note_id, note_rows

BODIES = [body for _, body, _, _ in note_rows()]


@contextmanager
def away(service: EmbeddingService) -> Iterator[None]:
    """The service answers that it cannot now."""
    service.down = Answer(503)
    try:
        yield
    finally:
        service.down = None


@contextmanager
def following(notes: EmbeddedNotes) -> Iterator[Future[SyncResult]]:
    """A follower beside the test; it is stopped at the end of the block, and what it failed of is raised then."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        follower = pool.submit(follow_changes, notes.config, stop)
        try:
            yield follower
        finally:
            stop.set()
        follower.result(SECONDS)


def change(notes: EmbeddedNotes, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(notes.notes.source)) as connection, connection:
        connection.execute(statement, values)


def rewrite(notes: EmbeddedNotes, number: int, body: str) -> None:
    change(notes, "UPDATE notes SET body = ? WHERE id = ?", body, note_id(number))


def assert_vectors_are_of(notes: EmbeddedNotes, client: weaviate.WeaviateClient, *bodies: str) -> None:
    """These notes have the vectors that the service makes of their bodies."""
    found = vectors_by_body(client)
    for body, wanted in zip(bodies, notes.wanted(bodies), strict=True):
        assert np.array_equal(np.asarray(found[body], np.float32), wanted), body
