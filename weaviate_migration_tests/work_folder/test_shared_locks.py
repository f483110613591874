"""Locks of several machines: who has one, what becomes of it when its holder is killed, halted or cut off."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import sqlalchemy as db
from filelock import Timeout

from weaviate_migration.base.errors import LockLostError, MigrationConflictError
from weaviate_migration.base.write_guards import confirm_writes
from weaviate_migration.phases.history.collection_locks import alone_with_one
from weaviate_migration.work_folder import shared_locks
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import MACHINE
from weaviate_migration.work_folder.shared_locks import LockSession, SharedLock
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.state_tables import lock_holders
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.live.command_line import SECONDS
from weaviate_migration_tests.work_folder.lock_holding import hold_until_lost, server_at

_CONTEXT = multiprocessing.get_context("spawn")
COLUMNS = lock_holders.c


@pytest.fixture
def engine(url: str) -> Iterator[db.Engine]:
    engine = db.create_engine(url)
    yield engine
    engine.dispose()


def session(url: str) -> LockSession:
    """As another process has it."""
    return LockSession(server_at(url))


def age(engine: db.Engine, seconds: float) -> None:
    """As if nobody had been heard of for so long."""
    with engine.begin() as connection:
        connection.execute(
            db.update(lock_holders).values(beat_at=COLUMNS.beat_at - db.func.make_interval(0, 0, 0, 0, 0, 0, seconds))
        )


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
    assert ours.take("migrate", "one") is shared_locks.Attempt.TAKEN
    postgres_server.end_connections(url)
    assert theirs.take("migrate", "other") is shared_locks.Attempt.ORPHANED
    age(engine, shared_locks.ORPHANED_SECONDS)
    assert theirs.take("migrate", "other") is shared_locks.Attempt.TAKEN
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
    assert theirs.take("migrate", "other") is shared_locks.Attempt.TAKEN
    assert theirs.take("sync", "other") is shared_locks.Attempt.HELD, "the others are its own all the same"
    ours.release("migrate")
    ours.confirm()
    ours.release("sync")
    theirs.release("migrate")
