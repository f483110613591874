"""Locks of all machines that share a store in PostgreSQL: its advisory locks, and a row that says who has each.

The server gives up the locks of a connection that has ended. But it does not notice for hours that a machine is gone,
or a process halted; and a process whose connection was ended does not notice until it asks. So each process says every
few seconds, in the rows of its locks, that it lives, and all go by that, on the server's clock:

- a process relies on its locks for `RELIED_SECONDS` after it said so last, and asks before it writes anything later;
- a lock whose holder's connection has ended is taken once its holder does not rely on it any more;
- whoever has said nothing for `SILENT_SECONDS` loses its connection to the next one that asks for the lock.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from enum import Enum, auto
from functools import cache
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from weaviate_migration.base.errors import LockLostError, MigrationError
from weaviate_migration.base.postgres_database import PostgresDatabase
from weaviate_migration.base.write_guards import guard_writes
from weaviate_migration.work_folder.locks import MACHINE, HeldLock, Holder, told
from weaviate_migration.work_folder.state_tables import lock_holders

logger = logging.getLogger(__name__)

# A busy machine may let a thread wait for a second or two.
BEAT_SECONDS = 3.0
RELIED_SECONDS = 8.0
# When an ended connection's lock can be taken: later than its holder can rely on it.
ORPHANED_SECONDS = 12.0
SILENT_SECONDS = 60.0
_LOOK_SECONDS = 0.2
# The clocks of two machines do not run alike.
_SPARE_SECONDS = 1.0

_Result = TypeVar("_Result")

# An advisory lock of 64 bits is shown in two halves. Its number is signed, as the shift makes it.
_END_THE_SILENT = text("""
SELECT pg_terminate_backend(shown.pid) FROM pg_locks AS shown
WHERE shown.locktype = 'advisory' AND shown.granted AND shown.objsubid = 1 AND shown.pid <> pg_backend_pid()
AND shown.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND (shown.classid::bigint << 32) | shown.objid::bigint = :number
AND EXISTS (SELECT 1 FROM lock_holders WHERE lock = :lock AND (
    token = :token OR beat_at < clock_timestamp() - make_interval(secs => :seconds)))
""")


class Attempt(Enum):
    """What came of trying to take a lock."""

    TAKEN = auto()
    HELD = auto()
    ORPHANED = auto()


class LockSession:
    """The locks of this process, on one connection of their own.

    Args:
        server: of the store.
    """

    def __init__(self, server: PostgresDatabase) -> None:
        self._server = server
        self._process = os.getpid()
        self._token = uuid4().hex
        self._mutex = threading.RLock()
        self._connection: Connection | None = None
        self._schema = ""
        self._held = dict[str, str]()
        self._lost = dict[str, str]()
        self._heard_at = float("-inf")
        self._idle = threading.Event()
        guard_writes(self.confirm)

    def take(self, lock: str, who: str) -> Attempt:
        """Tries to take a lock that is free, or whose holder is silent.

        Args:
            who: takes it, as others are told.

        Raises:
            StateNotUsableError, StateConnectionError: the server cannot be used, or is away.
        """
        with self._mutex:
            if lock in self._held or lock in self._lost:
                return Attempt.HELD
            attempt = self._asked(lambda connection: self._take(connection, lock, who))
            if attempt is Attempt.TAKEN:
                self._held[lock] = who
                if len(self._held) == 1:
                    self._begin_to_beat()
            return attempt

    def _take(self, connection: Connection, lock: str, who: str) -> Attempt:
        if not self._locked(connection, lock):
            return Attempt.HELD
        began_at = _seconds()
        now = func.clock_timestamp()
        values = {"token": self._token, "name": who, "machine": MACHINE, "process": self._process}
        holder = insert(lock_holders).values(lock=lock, **values, since=now, beat_at=now)
        relied_on_until = lock_holders.c.beat_at + func.make_interval(0, 0, 0, 0, 0, 0, ORPHANED_SECONDS)
        noted = connection.scalar(
            holder.on_conflict_do_update(
                index_elements=[lock_holders.c.lock],
                set_={name: holder.excluded[name] for name in (*values, "since", "beat_at")},
                where=(lock_holders.c.token == self._token) | (relied_on_until < now),
            ).returning(lock_holders.c.lock)
        )
        if noted is None:
            self._unlock(connection, lock)
            return Attempt.ORPHANED
        if not self._held:
            self._heard_at = began_at
        return Attempt.TAKEN

    def _locked(self, connection: Connection, lock: str) -> bool:
        """Whether this connection has it now; where a silent one has it, that one's connection is being ended."""
        number = self._number(lock)
        if connection.scalar(select(func.pg_try_advisory_lock(number))):
            return True
        silent = {"lock": lock, "number": number, "token": self._token, "seconds": SILENT_SECONDS}
        if connection.execute(_END_THE_SILENT, silent).first() is not None:
            logger.warning("the lock %s is taken from its holder, who was not heard of for a minute", lock)
        return False

    def release(self, lock: str) -> None:
        """Gives a lock back; of one that was lost, nobody is told any more."""
        with self._mutex:
            try:
                if lock in self._held:
                    # Of a server that is away nothing is waited for: the row says nothing after some seconds.
                    with suppress(MigrationError, SQLAlchemyError):
                        self._asked(lambda connection: self._give_back(connection, lock), waits=False)
            finally:
                self._forget(lock)

    def _give_back(self, connection: Connection, lock: str) -> None:
        connection.execute(delete(lock_holders).where(self._is_ours(lock)))
        self._unlock(connection, lock)

    def _forget(self, lock: str) -> None:
        for locks in (self._held, self._lost):
            locks.pop(lock, None)
        if not self._held:
            self._idle.set()

    def holder(self, lock: str) -> Holder | None:
        """Who has a lock, and was heard of lately."""
        columns = lock_holders.c
        silent_after = columns.beat_at + func.make_interval(0, 0, 0, 0, 0, 0, SILENT_SECONDS)
        found = select(columns.name, columns.process, columns.since, columns.machine).where(
            columns.lock == lock, silent_after > func.clock_timestamp()
        )
        with self._mutex:
            row = self._asked(lambda connection: connection.execute(found).mappings().first())
        return Holder.model_validate(dict(row)) if row is not None else None

    def confirm(self) -> None:
        """Before something is written: this process still has the locks that it has taken, or had none.

        Raises:
            LockLostError: another has one of them, or may have it.
            StateConnectionError: the server is away, so that nobody knows.
        """
        if self._process != os.getpid():  # What a process that was forked inherits is not its own.
            return
        if self._lost or (self._held and _seconds() - self._heard_at > RELIED_SECONDS):
            with self._mutex:
                self._beat()
                for lock, who in self._lost.items():
                    raise _lock_lost(lock, self.holder(lock), who)

    def _beat(self, *, waits: bool = True) -> None:
        """Says that this process lives, and notices which locks it does not have any more."""
        if not self._held:
            return
        began_at = _seconds()
        known = self._asked(self._say_alive, waits=waits)
        self._heard_at = began_at
        self._lose(self._held.keys() - known)

    def _say_alive(self, connection: Connection) -> set[str]:
        """Returns the locks it was said for: those held; the row of one that could not be given back grows old."""
        columns = lock_holders.c
        ours = (columns.token == self._token) & columns.lock.in_(list(self._held))
        beat = update(lock_holders).where(ours).values(beat_at=func.clock_timestamp())
        return set(connection.scalars(beat.returning(columns.lock)))

    def _lose(self, locks: set[str]) -> None:
        for lock in locks:
            self._lost[lock] = self._held.pop(lock)

    def _begin_to_beat(self) -> None:
        self._idle = threading.Event()
        threading.Thread(target=self._beat_until, args=(self._idle,), name="lock heartbeat", daemon=True).start()

    def _beat_until(self, idle: threading.Event) -> None:
        while not idle.wait(BEAT_SECONDS):
            try:
                with self._mutex:
                    self._beat(waits=False)  # The next one comes soon; whoever gives a lock back waits for this.
            except (MigrationError, SQLAlchemyError) as error:  # Whoever writes next is told.
                logger.debug("the locks cannot be confirmed: %s", error)

    def _asked(self, ask: Callable[[Connection], _Result], *, waits: bool = True) -> _Result:
        """What is asked of the server; once more where the connection had ended, on a new one.

        Args:
            waits: for a server that does not answer, up to a minute.
        """
        with self._server.telling():
            try:
                return self._asked_once(ask, waits=waits)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return self._asked_once(ask, waits=waits)

    def _asked_once(self, ask: Callable[[Connection], _Result], *, waits: bool) -> _Result:
        try:
            return ask(self._connected(waits=waits))
        except BaseException:  # Ctrl-C too: which locks the connection has is not known any more.
            self._leave()
            raise

    def _connected(self, *, waits: bool) -> Connection:
        if self._connection is None:
            # While it is read, it has its tables, and answers again where it was away for a moment.
            with self._server.reading() if waits else nullcontext():
                connection = self._server.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection = connection
            self._schema = str(connection.scalar(select(func.current_schema())))
            self._lose({lock for lock in self._held if not self._taken_again(connection, lock)})
        return self._connection

    def _leave(self) -> None:
        """The next question is asked on another connection, which takes again what is held."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # In the pool it would keep its locks.
            connection.close()

    def _taken_again(self, connection: Connection, lock: str) -> bool:
        """Whether this connection has a lock that the one before it had, and nobody had it in between."""
        ends = _seconds() + RELIED_SECONDS
        while self._is_noted(connection, lock):
            if self._locked(connection, lock):
                if self._is_noted(connection, lock):
                    return True
                self._unlock(connection, lock)
                return False
            if _seconds() > ends:  # The connection before may not have ended for the server.
                return False
            time.sleep(_LOOK_SECONDS)
        return False

    def _is_noted(self, connection: Connection, lock: str) -> bool:
        return connection.scalar(select(lock_holders.c.lock).where(self._is_ours(lock))) is not None

    def _unlock(self, connection: Connection, lock: str) -> None:
        connection.execute(select(func.pg_advisory_unlock(self._number(lock))))

    def _is_ours(self, lock: str) -> ColumnElement[bool]:
        return (lock_holders.c.lock == lock) & (lock_holders.c.token == self._token)

    def _number(self, lock: str) -> int:
        """What the server knows a lock by: others may have some of their own in the same database."""
        digest = hashlib.sha256(f"weaviate_migration {self._schema} {lock}".encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)


class SharedLock(HeldLock):
    """A lock of one process at a time, of all machines that share a store.

    Args:
        session: of this process with the store.
        lock: its name.
        who: asks for it, as others are told; '': they are not.
    """

    def __init__(self, session: LockSession, lock: str, who: str = "") -> None:
        self._session = session
        self._lock = lock
        self._who = who
        self._has_it = False

    def acquire(self, seconds: float = 0.0) -> bool:
        """As `HeldLock` says; what a killed process has held is free some seconds later, which are waited for."""
        held_ends = time.monotonic() + seconds
        ends = {Attempt.HELD: held_ends, Attempt.ORPHANED: held_ends + ORPHANED_SECONDS + _SPARE_SECONDS}
        while not self._has_it:
            asked_at = time.monotonic()
            attempt = self._session.take(self._lock, self._who)
            self._has_it = attempt is Attempt.TAKEN
            if not self._has_it:
                if asked_at >= ends[attempt]:
                    return False
                time.sleep(_LOOK_SECONDS)
        return True

    def release(self) -> None:
        """As `HeldLock` says."""
        if self._has_it:
            self._has_it = False
            self._session.release(self._lock)

    @property
    def holder(self) -> Holder | None:
        """As `HeldLock` says."""
        return self._session.holder(self._lock)


@cache
def _session(server: PostgresDatabase, _process: int) -> LockSession:
    return LockSession(server)


def lock_session(server: PostgresDatabase) -> LockSession:
    """This process's session with a server."""
    return _session(server, os.getpid())


def _lock_lost(lock: str, holder: Holder | None, who: str) -> LockLostError:
    return LockLostError(
        f"{who or 'This process'} was not heard of for too long, and has lost its place (the lock {lock})"
        f"{told(holder)}. It writes nothing more.",
        "Once the other one has ended, run the same command again: it goes on with what is done.",
    )


def _seconds() -> float:
    """Seconds that also pass while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
