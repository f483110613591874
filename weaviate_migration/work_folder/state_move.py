"""The state in a work folder's file moves to the PostgreSQL database that a command names for the first time.

All rows go in one transaction. A note in the folder, written before it, says where they are; after it the file gets
another name. Whoever is killed in between leaves note and file, and the next command with that database ends the move:
the id in the note is among the rows there, or none of them is.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import sqlalchemy as db
from pydantic import BaseModel
from sqlalchemy.engine import Connection

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.database import Databases
from weaviate_migration.base.errors import ConfigurationError, MigrationConflictError
from weaviate_migration.base.sqlite_database import put_aside
from weaviate_migration.work_folder.locks import LocalLock
from weaviate_migration.work_folder.state_schema.opening import prepare
from weaviate_migration.work_folder.state_store import FILE_NAME, StateStore
from weaviate_migration.work_folder.state_tables import documents, lock_holders, metadata, moments

logger = logging.getLogger(__name__)

NOTE, PUT_ASIDE = "state.moved.json", "state.moved.sqlite"
_KIND = "moved state"
# Who has a lock has it elsewhere.
_MOVED = [table for table in metadata.sorted_tables if table is not lock_holders]
_ROWS_AT_ONCE = 1_000
_GO_ON_COUNTING = db.text(f"SELECT setval(pg_get_serial_sequence('{moments}', 'number'), max(number)) FROM {moments}")


class _Note(BaseModel, frozen=True):
    """Where a state is.

    Attributes:
        id: of this move; the database has it, too.
        to: the URL of the database, for people.
    """

    id: str
    to: str


def refuse_moved(work_dir: Path) -> None:
    """For whoever names no database: raises ConfigurationError where the state is in one, or was about to be."""
    if (note := _read_note(work_dir)) is None:
        return
    if not (work_dir / FILE_NAME).exists():
        raise ConfigurationError(f"The state of {work_dir} was moved to {note.to}.", "Name that with --state-url.")
    raise ConfigurationError(
        f"The state of {work_dir} is to be moved to {note.to}, and the command that began it was ended.",
        f"Name that with --state-url. Where nothing of it is there, {work_dir / NOTE} can be removed instead.",
    )


def move_state(work_dir: Path, store: StateStore, told_url: str) -> None:
    """Moves what is in the folder's file to the store; nothing is done where there is no file.

    Args:
        store: in PostgreSQL.
        told_url: of it, for messages.

    Raises:
        MigrationConflictError: a command works in the folder, or the store has another state.
        StorageError: the folder cannot be written to.
    """
    file = work_dir / FILE_NAME
    if not file.exists():
        return
    with _alone_in(work_dir):
        if not file.exists():  # Another one was at it.
            return
        # Of its own: closed, SQLite has put what is in its log into the file.
        files = Databases(prepare)
        try:
            with StateStore(files.file(file)).transaction() as old:
                store.run(lambda new: _take(work_dir, old, new, told_url))
        finally:
            files.close()
        put_aside(file, PUT_ASIDE)
    logger.info("the state of %s is in %s now; what was its file is %s", work_dir, told_url, PUT_ASIDE)


def _take(work_dir: Path, old: Connection, new: Connection, told_url: str) -> None:
    note = _read_note(work_dir)
    if note is not None and note.to != told_url:
        refuse_moved(work_dir)
    # Nobody begins anything there meanwhile.
    new.execute(db.text(f"LOCK TABLE {documents} IN EXCLUSIVE MODE"))
    if note is not None and new.scalar(db.select(documents.c.owner).where(documents.c.kind == _KIND)) == note.id:
        return
    if any(new.execute(db.select(table).limit(1)).first() is not None for table in _MOVED):
        raise MigrationConflictError(
            f"{told_url} has a state already, and {work_dir / FILE_NAME} is another one.",
            "Name an empty database (`createdb`). To go on with what is in this one, move the file away.",
        )
    if note is None:
        note = _Note(id=uuid4().hex, to=told_url)
        replace_file(work_dir / NOTE, note.model_dump_json())
    _copy(old, new)
    moved = {"kind": _KIND, "owner": note.id, "part": "", "content": "{}", "written_at": datetime.now(UTC)}
    new.execute(documents.insert().values(moved))


def _copy(old: Connection, new: Connection) -> None:
    for table in _MOVED:
        found = old.execute(db.select(table)).mappings()
        while rows := found.fetchmany(_ROWS_AT_ONCE):
            new.execute(table.insert(), [dict(each) for each in rows])
    new.execute(_GO_ON_COUNTING)


def _read_note(work_dir: Path) -> _Note | None:
    try:
        return _Note.model_validate_json((work_dir / NOTE).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def _alone_in(work_dir: Path) -> Iterator[None]:
    """Nobody works in the folder with the file."""
    with ExitStack() as held:
        for path in (work_dir / "migrate.lock", *work_dir.glob("sync/*.lock")):
            if not (lock := LocalLock(path)).acquire():
                raise MigrationConflictError(
                    f"Another command works with the state in {work_dir}{lock.told_holder}.",
                    "Wait for its end, or end it, and try again: its state is then moved.",
                )
            held.callback(lock.release)
        yield
