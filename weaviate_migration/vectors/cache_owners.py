"""Who makes a vector right now: a name that stands for a process, and that others know to be alive.

Nobody has to give it up: what a killed process holds is free at once, as the kernel, or the server, takes it back.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import sqlalchemy as db
from filelock import FileLock, Timeout
from sqlalchemy.engine import Connection

from weaviate_migration.base.permissions import FILE
from weaviate_migration.base.postgres_database import PostgresDatabase
from weaviate_migration.base.storage import storage_errors

# A machine that is gone is noticed within 20 seconds, and not after hours.
_NOTICED_SOON = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
# An advisory lock of 64 bits is shown in two halves.
_LOCKED = db.text("""
SELECT CAST((classid::bigint << 32) | objid::bigint AS text) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


class Owners(Protocol):
    """Those of one cache, as one of them sees them.

    Attributes:
        name: its own.
    """

    name: str

    def living(self, connection: Connection, others: Iterable[str]) -> set[str]:
        """Those of the owners that live; the own one does from now on.

        Args:
            connection: to the cache, in a transaction.
        """

    def close(self) -> None:
        """Gives up what is held in the own name."""


class FileOwners:
    """Each has a file beside the cache, which its process locks.

    Args:
        cache: the file of the vectors.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self.name = secrets.token_hex(8)
        self._lock = self._lock_of(self.name)

    def living(self, connection: Connection, others: Iterable[str]) -> set[str]:  # noqa: ARG002
        """See `Owners`; of one that was killed nothing is left."""
        if not self._lock.is_locked:
            with storage_errors(self._cache):
                self._lock.acquire()
        return {self.name, *(each for each in others if each != self.name and self._lives(each))}

    def close(self) -> None:
        """See `Owners`."""
        if self._lock.is_locked:
            Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def _lives(self, other: str) -> bool:
        lock = self._lock_of(other)
        try:
            with storage_errors(self._cache), lock:
                Path(lock.lock_file).unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    def _lock_of(self, name: str) -> FileLock:
        path = self._cache.with_name(f"{self._cache.name}-{name}.lock")
        return FileLock(path, blocking=False, mode=FILE, thread_local=False)


class ServerOwners:
    """Each has an advisory lock of the server, on a connection of its own.

    Where that connection breaks while its owner asks a model, another one may ask the same text meanwhile.

    Args:
        server: which has the cache.
    """

    def __init__(self, server: PostgresDatabase) -> None:
        self._server = server
        self._number = secrets.randbits(63)
        self.name = str(self._number)
        self._connection: Connection | None = None

    def living(self, connection: Connection, others: Iterable[str]) -> set[str]:  # noqa: ARG002
        """See `Owners`; it costs the same for one as for all."""
        found = set(connection.scalars(_LOCKED))
        if self.name not in found:
            self._take()
        return {self.name, *found}

    def close(self) -> None:
        """See `Owners`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self) -> None:
        self.close()  # It has broken.
        connection = self._server.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # Closed it is closed, and not kept for others with its lock.
        connection.exec_driver_sql(_NOTICED_SOON)
        connection.execute(db.select(db.func.pg_advisory_lock(self._number)))
        self._connection = connection
