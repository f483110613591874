"""Locks of several machines: who has one, what becomes of it when its holder is killed, halted or cut off."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import sqlalchemy as db
from filelock import Timeout

from weaviate_migration.base.errors import LockLostError, MigrationConflictError, MigrationError
from weaviate_migration.base.write_guards import confirm_writes
from weaviate_migration.phases.history.collection_locks import alone_with_one
from weaviate_migration.work_folder import shared_locks
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import MACHINE
from weaviate_migration.work_folder.shared_locks import Attempt, LockSession, SharedLock
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.state_tables import lock_holders
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.live.command_line import SECONDS, until
from weaviate_migration_tests.work_folder.lock_holding import hold_until_lost, server_at

_CONTEXT = multiprocessing.get_context("spawn")
COLUMNS = lock_holders.c
# What the server is asked instead, in the middle of something else.
ITS_OWN_END, A_FAULT = "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1 / 0"


@pytest.fixture
def engine(url: str) -> Iterator[db.Engine]:
    engine = db.create_engine(url, pool_pre_ping=True)
    yield engine
    engine.dispose()


def session(url: str) -> LockSession:
    """As another process has it."""
    return LockSession(server_at(url))


def age(engine: db.Engine, seconds: float, *locks: str) -> None:
    """As if nobody had been heard of for so long; of these locks, or of all."""
    beat_at = COLUMNS.beat_at - db.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    aged = db.update(lock_holders).values(beat_at=beat_at)
    with engine.begin() as connection:
        connection.execute(aged.where(COLUMNS.lock.in_(locks)) if locks else aged)


def test_one_at_a_time_has_it_and_others_are_told_who(url: str) -> None:
    lock, other = SharedLock(session(url), "migrate", "one"), SharedLock(session(url), "migrate", "other")
    assert lock.acquire()
    assert not other.acquire()
    assert f": one (process {os.getpid()}, since " in other.told_holder
    other.release()  # It has nothing to give back.
    assert not other.acquire(0.1)
    lock.release()
    assert other.told_holder == ""
    assert other.acquire()
    other.release()


def test_a_process_has_each_once_and_several_beside_each_other(url: str) -> None:
    ours = session(url)
    lock, again, another = (SharedLock(ours, name) for name in ("Note", "Note", "Thread"))
    with lock, another:
        assert not again.acquire()
        assert lock.holder is not None
        assert (lock.holder.machine, lock.told_holder) == (MACHINE, "")
    with again:
        pass


def test_two_work_folders_of_one_store_are_for_one_command_at_a_time(url: str, tmp_path: Path) -> None:
    here, there = (WorkFolder(tmp_path / name, state_url=url) for name in ("here", "there"))
    with here.locked("`weaviate-migration verify`"):
        database = url.rpartition("/")[2]
        told = rf"Another migration is running in postgresql.*/{database}: `weaviate-migration verify` \(process"
        with pytest.raises(MigrationConflictError, match=told), there.locked("`weaviate-migration migrate`"):
            pass
        with pytest.raises(Timeout), alone_with_one(here, "Note"), alone_with_one(there, "Note", wait=0):
            pass
    with there.locked("`weaviate-migration migrate`"):
        pass


def test_holders_of_another_machine_are_told_with_its_name(url: str, engine: db.Engine) -> None:
    lock = SharedLock(session(url), "migrate", "one")
    with lock:
        with engine.begin() as connection:
            connection.execute(db.update(lock_holders).values(machine="the other one"))
        assert f"one (process {os.getpid()} on the other one, since " in lock.told_holder


@contextmanager
def held_by_another_process(url: str) -> Iterator[tuple[psutil.Process, Connection]]:
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=hold_until_lost, args=(url, theirs))
    process.start()
    try:
        assert ours.recv() == "taken"
        yield psutil.Process(process.pid), ours
    finally:
        process.kill()
        process.join()


def test_lock_of_a_killed_process_is_waited_for_and_taken(url: str, engine: db.Engine) -> None:
    lock = SharedLock(session(url), "migrate", "the next one")
    with held_by_another_process(url) as (process, _):
        assert not lock.acquire()
        process.kill()
        process.wait()
        age(engine, shared_locks.ORPHANED_SECONDS)
        assert lock.acquire(SECONDS)  # The server takes a moment to see that its connection has ended.
    assert ": the next one (process " in lock.told_holder
    lock.release()


def test_whoever_may_rely_on_it_still_is_waited_for(
    postgres_server: PostgresServer, url: str, engine: db.Engine
) -> None:
    """Its connection has ended, and it does not know yet."""
    ours, theirs = session(url), session(url)
    assert ours.take("migrate", "one") is Attempt.TAKEN
    postgres_server.end_connections(url)
    assert theirs.take("migrate", "other") is Attempt.ORPHANED
    age(engine, shared_locks.ORPHANED_SECONDS)
    assert theirs.take("migrate", "other") is Attempt.TAKEN
    ours.release("migrate")
    theirs.release("migrate")


def test_halted_process_loses_it_and_notices_before_it_writes(url: str, engine: db.Engine) -> None:
    lock = SharedLock(session(url), "migrate", "the next one")
    with held_by_another_process(url) as (process, said):
        process.send_signal(signal.SIGSTOP)
        age(engine, shared_locks.SILENT_SECONDS / 2)
        assert not lock.acquire()
        age(engine, shared_locks.SILENT_SECONDS)
        assert lock.acquire(SECONDS)
        process.send_signal(signal.SIGCONT)
        said.send("go on")
        assert ": the next one (process " in said.recv()
        assert said.recv() == "left"
    lock.release()


def test_it_outlives_a_server_that_is_started_again(
    postgres_server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_locks, "RELIED_SECONDS", 0.0)
    lock, other = SharedLock(session(url), "migrate", "one"), SharedLock(session(url), "migrate", "other")
    with lock:
        postgres_server.kill()
        postgres_server.start()
        confirm_writes()
        assert not other.acquire()
    confirm_writes()


def test_what_another_has_had_in_between_is_lost(
    postgres_server: PostgresServer, url: str, engine: db.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_locks, "RELIED_SECONDS", 0.0)
    ours, theirs = session(url), session(url)
    for lock in ("migrate", "sync"):
        ours.take(lock, "one")
    postgres_server.end_connections(url)
    age(engine, shared_locks.ORPHANED_SECONDS)
    theirs.take("migrate", "other")
    theirs.release("migrate")
    with pytest.raises(LockLostError, match="the lock migrate"):
        ours.confirm()
    with pytest.raises(LockLostError), StateStore.of(Path(), url).transaction():
        pytest.fail("the state would be written")
    assert theirs.take("migrate", "other") is Attempt.TAKEN
    assert theirs.take("sync", "other") is Attempt.HELD, "the others are its own all the same"
    ours.release("migrate")
    ours.confirm()
    ours.release("sync")
    theirs.release("migrate")


def noted(engine: db.Engine) -> set[str]:
    """The locks that somebody has, or had."""
    with engine.connect() as connection:
        return set(connection.scalars(db.select(COLUMNS.lock)))


def release_all(ours: LockSession) -> None:
    for lock in ("sync", "migrate"):
        ours.release(lock)


FIRST_TO_NOTICE: dict[str, Callable[[LockSession], object]] = {
    "release": lambda ours: ours.release("sync"),
    "release of all": release_all,
    "take": lambda ours: ours.take("Note", "one"),
    "confirm": lambda ours: ours.confirm(),
    "holder": lambda ours: ours.holder("migrate"),
}


@pytest.mark.parametrize("notice", FIRST_TO_NOTICE.values(), ids=FIRST_TO_NOTICE)
def test_whoever_is_first_to_notice_that_a_connection_has_ended_goes_on(
    postgres_server: PostgresServer,
    url: str,
    engine: db.Engine,
    monkeypatch: pytest.MonkeyPatch,
    notice: Callable[[LockSession], object],
) -> None:
    monkeypatch.setattr(shared_locks, "RELIED_SECONDS", 0.0)
    ours, theirs = session(url), session(url)
    names = ("migrate", "sync", "Note")
    for _ in range(2):  # The connection that is made then can end as well.
        for lock in names[:2]:
            assert ours.take(lock, "one") is Attempt.TAKEN
        postgres_server.end_connections(url)
        notice(ours)
        ours.confirm()
        assert ours.take("Thread", "one") is Attempt.TAKEN
        assert theirs.take("Thread", "other") is Attempt.HELD
        assert ours.holder("Thread") is not None
        for lock in (*names, "Thread"):
            ours.release(lock)
        assert noted(engine) == set()
        for lock in (*names, "Thread"):
            assert theirs.take(lock, "other") is Attempt.TAKEN
            theirs.release(lock)


def test_one_that_is_given_back_after_a_cut_is_free_at_once_and_the_others_are_kept(
    postgres_server: PostgresServer, url: str, engine: db.Engine
) -> None:
    ours, theirs = session(url), session(url)
    for lock in ("migrate", "sync"):
        assert ours.take(lock, "one") is Attempt.TAKEN
    postgres_server.end_connections(url)
    ours.release("sync")
    assert noted(engine) == {"migrate"}
    assert theirs.take("sync", "other") is Attempt.TAKEN
    assert theirs.take("migrate", "other") is Attempt.HELD
    ours.release("migrate")
    theirs.release("sync")


@contextmanager
def disturbed(ours: db.Engine, first: int, statements: int, instead: str) -> Iterator[None]:
    """From the first on, counted from 0, so many statements of an engine are others."""
    asked = iter(range(1_000))

    def disturb(*call: object) -> tuple[object, object]:
        _, _, statement, parameters, _, _ = call
        return (instead, {}) if first <= next(asked) < first + statements else (statement, parameters)

    db.event.listen(ours, "before_cursor_execute", disturb, retval=True)
    try:
        yield
    finally:
        db.event.remove(ours, "before_cursor_execute", disturb)


@pytest.mark.parametrize("statements", [1, 2, 3])
@pytest.mark.parametrize("instead", [ITS_OWN_END, A_FAULT], ids=["end", "fault"])
def test_it_goes_on_whichever_statement_its_connection_ends_or_fails_at(
    url: str, monkeypatch: pytest.MonkeyPatch, instead: str, statements: int
) -> None:
    """A release that fails keeps nothing that only the end of the process would free."""
    monkeypatch.setattr(shared_locks, "RELIED_SECONDS", 0.0)
    monkeypatch.setattr(shared_locks, "ORPHANED_SECONDS", 0.2)
    server = server_at(url)
    ours, theirs = LockSession(server), session(url)
    for first in range(9):  # Four to take one and to confirm it, two to give it back; more to connect again.
        with disturbed(server.engine, first, statements, instead):
            with suppress(MigrationError, db.exc.DBAPIError):
                ours.take("migrate", "one")
                ours.take("sync", "one")
                ours.confirm()
            ours.release("sync")
        ours.release("migrate")
        for lock in ("migrate", "sync"):
            assert SharedLock(ours, lock, "one").acquire(SECONDS)
        ours.confirm()
        for lock in ("migrate", "sync"):
            ours.release(lock)
            assert theirs.take(lock, "other") is Attempt.TAKEN
            theirs.release(lock)


@pytest.mark.parametrize("first", range(2))
def test_it_goes_on_after_an_interrupt_in_the_middle_of_a_statement(
    url: str, engine: db.Engine, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """While one is given back, as Ctrl-C does it."""
    server = server_at(url)
    ours, theirs = LockSession(server), session(url)
    assert ours.take("migrate", "one") is Attempt.TAKEN
    assert ours.take("sync", "one") is Attempt.TAKEN
    asked = iter(range(1_000))

    def interrupt(*_: object) -> None:
        if next(asked) == first:
            raise KeyboardInterrupt

    db.event.listen(server.engine, "do_execute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ours.release("sync")
    monkeypatch.setattr(shared_locks, "RELIED_SECONDS", 0.0)
    ours.confirm()
    assert theirs.take("migrate", "other") is Attempt.HELD
    ours.release("migrate")
    assert "migrate" not in noted(engine)
    age(engine, shared_locks.ORPHANED_SECONDS)
    for lock in ("migrate", "sync"):
        assert SharedLock(theirs, lock, "other").acquire(SECONDS)
        theirs.release(lock)


def test_one_that_was_given_back_while_the_server_was_away_is_free_some_seconds_later(
    postgres_server: PostgresServer, url: str, engine: db.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder has another one still, and says so all the time; it gives back without waiting for the server."""
    monkeypatch.setattr(shared_locks, "BEAT_SECONDS", 0.1)
    ours, theirs = session(url), session(url)
    for lock in ("migrate", "sync", "Note"):
        assert ours.take(lock, "one") is Attempt.TAKEN
    postgres_server.kill()
    try:
        began_at = time.monotonic()
        ours.release("sync")  # It notices that the connection has ended, or the beat has.
        time.sleep(1.0)
        ours.release("Note")
        took = time.monotonic() - began_at
    finally:
        postgres_server.start()
    until(lambda: theirs.take("migrate", "other") is Attempt.HELD)  # Its holder has come back.
    age(engine, shared_locks.ORPHANED_SECONDS, "sync", "Note")
    time.sleep(0.5)
    for lock in ("sync", "Note"):
        assert theirs.take(lock, "other") is Attempt.TAKEN
    assert theirs.take("migrate", "other") is Attempt.HELD
    assert took < 5.0
    ours.confirm()
    for each, lock in ((ours, "migrate"), (theirs, "sync"), (theirs, "Note")):
        each.release(lock)
    assert noted(engine) == set()


def test_a_process_takes_again_what_it_could_not_give_back(
    postgres_server: PostgresServer, url: str, engine: db.Engine
) -> None:
    ours, theirs = session(url), session(url)
    assert ours.take("migrate", "one") is Attempt.TAKEN
    postgres_server.kill()
    ours.release("migrate")
    postgres_server.start()
    assert theirs.take("migrate", "other") is Attempt.ORPHANED
    assert ours.take("migrate", "one") is Attempt.TAKEN
    ours.release("migrate")
    assert noted(engine) == set()


def orphaned_lock(
    postgres_server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[LockSession, SharedLock]:
    """Who had it, and does not come back, and another one's lock of that name; it is free after a second."""
    monkeypatch.setattr(shared_locks, "BEAT_SECONDS", 3_600.0)
    monkeypatch.setattr(shared_locks, "ORPHANED_SECONDS", 1.0)
    ours, lock = session(url), SharedLock(session(url), "migrate", "other")
    assert ours.take("migrate", "one") is Attempt.TAKEN
    postgres_server.end_connections(url)
    return ours, lock


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_one_that_nobody_gives_up_or_takes_is_not_waited_for_without_an_end(
    postgres_server: PostgresServer, url: str, engine: db.Engine, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """As where the server's clock was set back."""
    ours, lock = orphaned_lock(postgres_server, url, monkeypatch)
    age(engine, -3_600)
    assert not lock.acquire(seconds)
    ours.release("migrate")
    assert lock.acquire()
    lock.release()


def test_who_does_not_wait_for_a_holder_waits_for_what_a_killed_one_has_left(
    postgres_server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, lock = orphaned_lock(postgres_server, url, monkeypatch)
    assert lock.acquire()
    ours.release("migrate")
    lock.release()
