"""Tells when a SQLAlchemy engine has committed.

SQLAlchemy has no event for it: `commit` fires before, and `after_commit` of a session knows nothing of plain
connections. So the dialect's `do_commit`, through which both of them go, is wrapped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import PoolProxiedConnection

Committed = Callable[[PoolProxiedConnection], None]


@contextmanager
def commit_hook(engine: Engine, committed: Committed) -> Iterator[None]:
    """Calls `committed`, which must not raise, after each commit of any connection or session of the engine.

    Also after a statement that SQLite committed by itself: in autocommit, and where the outermost savepoint is released
    outside a transaction. A transaction that is rolled back is none, nor is one that pysqlite never began since it only
    read. Two-phase commits do not exist in SQLite's dialects; what bypasses SQLAlchemy is not seen.
    """
    dialect: Any = engine.dialect
    inner, listening = engine.dialect.do_commit, True

    def do_commit(connection: PoolProxiedConnection) -> None:
        driver: Any = connection.driver_connection
        # With isolation_level None SQLite may have committed before this, when the last row of a RETURNING was read.
        wrote = driver.in_transaction or driver.isolation_level is None
        inner(connection)
        if wrote and listening:
            committed(connection)

    def after_statement(connection: Connection, cursor: Any, *_: object) -> None:
        driver: Any = connection.connection.driver_connection
        if cursor.description is None and not driver.in_transaction:
            committed(connection.connection)

    dialect.do_commit = do_commit
    event.listen(engine, "after_cursor_execute", after_statement)
    try:
        yield
    finally:
        listening = False
        event.remove(engine, "after_cursor_execute", after_statement)
        if dialect.do_commit is do_commit:  # Otherwise somebody has wrapped it since, and keeps ours, which is silent.
            dialect.do_commit = inner
