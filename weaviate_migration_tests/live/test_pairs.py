"""Two commands at once on one work folder: the second works beside the first, or is refused and told for whom."""

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
import weaviate

from weaviate_migration.phases.history.collection_locks import writing_lock
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.locks import HeldLock
from weaviate_migration.work_folder.state_store import FILE_NAME
from weaviate_migration_tests.cli.test_options import COMMANDS
from weaviate_migration_tests.live.command_line import Ended, at, end_of, holdings, run_here, started, until
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.locked_server import KEY
from weaviate_migration_tests.live.notes import NoteMigration, add_notes

# What changes what is on record, or in Weaviate, or in the file: one at a time.
ALONE = (
    *("migrate", "migrate --dry-run", "preflight", "verify", "verify --repair", "quarantine retry"),
    *("cutover", "rollback", "rollback --discard", "cleanup --yes", "capture install", "capture remove"),
)
# What only looks, or makes what nobody else has.
BESIDE = {
    **dict.fromkeys(("status", "report", "checks", "plan", "audit", "quarantine list", "capture status", "init"), 0),
    "postflight": 0,
    "alerts list": 0,
}
# What is not about a migration of this folder; `sync` has a lock of its own.
OTHERS = {"sync", "server", "demo", "alerts test"}


def test_the_table_has_every_command() -> None:
    in_table = {name for name in COMMANDS if any(f"{each} ".startswith(f"{name} ") for each in (*ALONE, *BESIDE))}
    assert in_table == COMMANDS.keys() - OTHERS


@pytest.fixture(scope="module")
def live(kept_notes: KeptNotes) -> NoteMigration:
    """Migrated while it may change."""
    kept_notes.migrated("--live")
    return NoteMigration(kept_notes.folder, kept_notes.server)


def options(notes: NoteMigration, command: str) -> list[object]:
    """All that such a command may be told."""
    if command.startswith("alerts"):
        return ["--work-dir", notes.work_dir]
    if command == "init":
        return ["--sqlite-url", notes.source, "--work-dir", notes.work_dir]
    return notes.options


def run_second(notes: NoteMigration, command: str, *more: object) -> Ended:
    return run_here(*command.split(), *options(notes, command), *more)


@contextmanager
def halted(process: "subprocess.Popen[str]", lock: HeldLock, work_dir: Path) -> Iterator[str]:
    """A command that has just taken a lock, and does nothing more while the context lives; gives how others know it."""
    until(lambda: lock.holder is not None and lock.holder.process == process.pid)
    until(lambda: _halts_between_transactions(process, work_dir))
    try:
        yield lock.told_holder
    finally:
        process.send_signal(signal.SIGCONT)


def _halts_between_transactions(process: "subprocess.Popen[str]", work_dir: Path) -> bool:
    """Halts a command, but not where it writes to the store: whoever wants to write there would wait in vain."""
    process.send_signal(signal.SIGSTOP)
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    with closing(sqlite3.connect(work_dir / FILE_NAME, timeout=0, isolation_level=None)) as store:
        try:
            store.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.send_signal(signal.SIGCONT)
            return False
    return True


def test_beside_a_command_that_has_the_folder(live: NoteMigration, connected: weaviate.WeaviateClient) -> None:
    lock = WorkFolder(live.work_dir).lock("migrate", "the test")
    before = holdings(connected), WorkFolder(live.work_dir).records.all()
    with started("verify", *live.options, "--json") as first:
        with halted(first, lock, live.work_dir) as holder:
            assert holder.startswith(f": `weaviate-migration verify` (process {first.pid}, since ")
            for command in ALONE:
                ended = run_second(live, command)
                assert ended.code == 2, (command, ended.stderr)
                assert f"Another migration is running in {live.work_dir}{holder}." in ended.stderr, command
            for command, code in BESIDE.items():
                ended = run_second(live, command)
                assert ended.code == code, (command, ended.stderr)
        ended = end_of(first)
    assert ended.code == 0, ended.stderr
    assert (holdings(connected), WorkFolder(live.work_dir).records.all()[-1].state) == (before[0], before[1][-1].state)
    assert lock.told_holder == ""


def test_sync_beside_a_load_or_a_comparison(live: NoteMigration) -> None:
    """It waits for the end, and says in time who works there."""
    work_folder = WorkFolder(live.work_dir)
    add_notes(live.source, [("while others work", "late", 1, None)])
    name = work_folder.records.current().targets["Note"]
    with work_folder.locked("`weaviate-migration verify`"), writing_lock(work_folder, name):
        ended = run_second(live, "sync", "--wait", 0.2)
    assert ended.code == 1
    assert f"Somebody works with the collections of migration {work_folder.records.current().id}: " in ended.stderr
    assert "`weaviate-migration verify` (process " in ended.stderr
    assert run_second(live, "sync").code == 0


def test_beside_a_follower(live: NoteMigration, connected: weaviate.WeaviateClient) -> None:
    """What takes away what it goes on with is refused; what gives its migration up is done, and it writes no more."""
    lock = WorkFolder(live.work_dir).sync_lock("the test")
    with started("sync", "--follow", *live.options, "--json") as follower:
        until(lambda: lock.holder is not None and lock.holder.process == follower.pid)
        holder = f": `weaviate-migration sync --follow` (process {follower.pid}, since "
        for command in ("cleanup --yes --force", "capture remove", "sync --wait 0"):
            ended = run_second(live, command)
            assert ended.code == 2, (command, ended.stderr)
            assert f"sync is running in {live.work_dir}{holder}" in ended.stderr, command
        add_notes(live.source, [("before it is given up", "late", 1, None)])
        assert run_second(live, "rollback --discard").code == 0
        add_notes(live.source, [("after it was given up", "late", 1, None)])
        told = end_of(follower)
    assert (told.code, "No migration in" in told.stderr) == (1, True), told.stderr
    assert holdings(connected) == ([], {})


def test_what_is_on_record_stays_as_it_is_where_the_server_is_another_one(
    kept_notes: KeptNotes, locked_server: ServerAddress
) -> None:
    """A wrong `--weaviate-url`: nothing of the migration is there."""
    kept_notes.migrated("--live")
    notes = NoteMigration(kept_notes.folder, kept_notes.server)
    before = WorkFolder(notes.work_dir).records.all()
    elsewhere = [*at(locked_server), "--api-key", KEY, "--work-dir", notes.work_dir]
    for command in ("rollback", "cleanup --yes", "sync", "verify", "cutover"):
        ended = run_here(*command.split(), *elsewhere)
        assert ended.code == 2, (command, ended.stderr)
        assert "Is --weaviate-url the server that was migrated to?" in ended.stderr, command
        assert WorkFolder(notes.work_dir).records.all() == before
    assert before[0].snapshot is not None
    assert before[0].snapshot.path.exists()
