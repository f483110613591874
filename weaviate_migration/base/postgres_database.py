"""A PostgreSQL database of ours, which several machines share."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as db
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from tenacity import RetryCallState, retry_if_exception

from weaviate_migration.base.errors import (
    ConfigurationError,
    MigrationError,
    StateConnectionError,
    StateNotUsableError,
)
from weaviate_migration.base.repeats import Repeats, repeating
from weaviate_migration.base.write_guards import confirm_writes

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# A server that is started again takes some seconds; of one that never answered nobody knows that it is one.
_FIRST = Repeats(max_retries=2, retry_delay=0.5)
_AGAIN = Repeats(max_retries=6, retry_delay=0.5)

_CONNECT_SECONDS = 10
_MILLISECONDS = 1_000
# Whoever writes does so for moments only: what waits longer than this waits for a process that hangs.
_STATEMENT_SECONDS = 60
_ARGUMENTS = {
    "connect_timeout": _CONNECT_SECONDS,
    # A network that swallows everything shows within these, instead of after a quarter of an hour.
    "tcp_user_timeout": 15 * _MILLISECONDS,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "weaviate-migration",
    "options": f"-c statement_timeout={_STATEMENT_SECONDS}s -c lock_timeout={_STATEMENT_SECONDS}s",
}
# Of all processes of one machine each has its own; a server takes 100 by default.
_CONNECTIONS_KEPT, _MORE_CONNECTIONS = 2, 6

# SQLSTATEs: classes of connections, of what others have done meanwhile, and of a server that is short of something.
_PASSING_CLASSES = ("08", "40", "53", "57P")
_REFUSED_CLASSES = ("28", "3D", "42501")
# What libpq says before there is a connection has no SQLSTATE.
_REFUSED_TEXTS = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "does not exist")


class PostgresDatabase:
    """One database of a server.

    Args:
        url: `postgresql+psycopg2://…`, without a password.
        prepare: called with the first connection, outside of a transaction: makes tables, or refuses.
        keeps: what it does, for messages.
        option: which names another one.

    Attributes:
        told_url: for messages.

    Raises:
        ConfigurationError: what connects to it is not installed.
    """

    def __init__(self, url: str, prepare: Callable[[Connection], object], keeps: str, option: str) -> None:
        self.told_url = db.make_url(url).render_as_string(hide_password=True)
        self._prepare = prepare
        self._keeps = keeps
        self._option = option
        self._url = url
        self._process = os.getpid()
        self._engine = self._made_engine()
        self._lock = threading.Lock()
        self._is_prepared = False
        self._of_thread = threading.local()

    @property
    def server(self) -> "PostgresDatabase":
        """See `Database`."""
        return self

    @property
    def engine(self) -> db.Engine:
        """For connections of one's own; after a fork it is another one."""
        if self._process != os.getpid():
            self._engine.dispose(close=False)  # They are the parent's.
            self._process, self._lock, self._of_thread = os.getpid(), threading.Lock(), threading.local()
        return self._engine

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """See `Database`; whoever has lost a lock to another process writes nothing more."""
        engine = self.engine
        if (outer := getattr(self._of_thread, "connection", None)) is not None:
            yield outer
            return
        confirm_writes()
        with self.telling(), self._connected(engine) as connection, connection.begin():
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            self._of_thread.connection = connection
            try:
                yield connection
            finally:
                self._of_thread.connection = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Database`."""
        engine = self.engine
        if (outer := getattr(self._of_thread, "connection", None)) is not None:
            yield outer
            return
        with self.telling(), self._connected(engine) as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def run(self, work: Callable[[Connection], Result], *, durable: bool = True) -> Result:
        """See `Database`."""

        def once() -> Result:
            with self.transaction(durable=durable) as connection:
                return work(connection)

        is_within_another = getattr(self._of_thread, "connection", None) is not None
        return once() if is_within_another else self._repeated(once, was_broken_off)

    @contextmanager
    def room_for(self, size: int) -> Iterator[None]:  # noqa: ARG002  # A server's disk is not ours to fill.
        """See `Database`; of a server it is known that it can be written to now."""
        self.run(lambda connection: connection.execute(db.select(db.func.pg_current_xact_id())))
        yield

    def close(self) -> None:
        """Closes the connections; the next use opens others."""
        if self._process == os.getpid():
            self._engine.dispose()

    def _made_engine(self) -> db.Engine:
        try:
            return db.create_engine(
                self._url,
                connect_args=_ARGUMENTS,
                pool_pre_ping=True,
                pool_size=_CONNECTIONS_KEPT,
                max_overflow=_MORE_CONNECTIONS,
            )
        except ImportError as error:
            raise ConfigurationError(
                f"{self.told_url} cannot be used: {error}.",
                "Install what connects to PostgreSQL: `pip install 'weaviate-migration[postgres]'`.",
            ) from None

    @contextmanager
    def _connected(self, engine: db.Engine) -> Iterator[Connection]:
        connection = self._repeated(engine.connect, may_pass)
        with connection:
            self._prepare_once(connection)
            yield connection

    def _prepare_once(self, connection: Connection) -> None:
        with self._lock:
            if not self._is_prepared:
                self._prepare(connection)
                self._is_prepared = True

    def _repeated(self, work: Callable[[], Result], while_it: Callable[[BaseException], bool]) -> Result:
        limits = _AGAIN if self._is_prepared else _FIRST
        result: Result = repeating(limits, retry_if_exception(while_it), self._tell, stopped=self._stopped)(work)
        return result

    def _tell(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        logger.warning("%s does not answer, and is asked again: %s", self.told_url, _said(error))

    def _stopped(self) -> MigrationError:
        return StateConnectionError(f"{self.told_url} was not asked again, since this was stopped.")

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Says what the server, or the way to it, says: for what is done on connections of one's own.

        Raises:
            StateNotUsableError: it cannot be used, and never was by this process.
            StateConnectionError: it could be used before.
        """
        try:
            yield
        except DBAPIError as error:
            if (told := self._error(error)) is None:
                raise
            raise told from error

    def _error(self, error: DBAPIError) -> MigrationError | None:
        """What to tell of an error; None for one that is a fault of ours."""
        if not (is_refused := _is_refused(error)) and not may_pass(error):
            return None
        message = f"{self.told_url}, which keeps {self._keeps}, cannot be used: {_said(error)}."
        hint = (
            f"Name another one with {self._option}, or make the user and the database: `createuser`, `createdb`. "
            "The password comes from PGPASSWORD or ~/.pgpass."
            if is_refused
            else "See that it runs and is reached from here; the same command then goes on."
        )
        return StateConnectionError(message, hint) if self._is_prepared else StateNotUsableError(message, hint)


def was_broken_off(error: BaseException) -> bool:
    """Whether a transaction had begun, and may succeed when it is tried again: as after a lost connection."""
    cause = error.__cause__ if isinstance(error, MigrationError) else error
    if not isinstance(cause, DBAPIError):
        return False
    return cause.connection_invalidated or (_code(cause) or "").startswith(_PASSING_CLASSES)


def may_pass(error: BaseException) -> bool:
    """Whether an error of the server, or of the way to it, may be gone when the same is tried again."""
    is_no_answer = isinstance(error, OperationalError) and _code(error) is None and not _is_refused(error)
    return is_no_answer or was_broken_off(error)


def _code(error: DBAPIError) -> str | None:
    """The SQLSTATE; None where there was no connection yet, or is none any more."""
    return getattr(error.orig, "pgcode", None)


def _is_refused(error: DBAPIError) -> bool:
    code = _code(error)
    return code.startswith(_REFUSED_CLASSES) if code else any(each in str(error.orig) for each in _REFUSED_TEXTS)


def _said(error: BaseException | None) -> str:
    """In one line."""
    return " ".join(str(getattr(error, "orig", error)).split()).rstrip(".?")
