"""Another process that has a lock of the store; it imports little, so that it begins soon."""

from multiprocessing.connection import Connection
from pathlib import Path

from weaviate_migration.base.errors import LockLostError
from weaviate_migration.base.postgres_database import PostgresDatabase
from weaviate_migration.base.write_guards import confirm_writes
from weaviate_migration.work_folder import shared_locks
from weaviate_migration.work_folder.shared_locks import LockSession, SharedLock
from weaviate_migration.work_folder.state_store import StateStore


def server_at(url: str) -> PostgresDatabase:
    """The server of a store."""
    server = StateStore.of(Path(), url).server
    assert server is not None
    return server


def hold_until_lost(url: str, said: Connection) -> None:
    """Takes a lock, says so, and says once asked whether it may still write."""
    shared_locks.BEAT_SECONDS = 0.1
    lock = SharedLock(LockSession(server_at(url)), "migrate", "the other process")
    assert lock.acquire()
    said.send("taken")
    said.recv()
    try:
        while True:
            confirm_writes()
    except LockLostError as error:
        said.send(error.message)
    lock.release()
    confirm_writes()
    said.send("left")
