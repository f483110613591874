"""A small source: one table of notes, and the mapping that makes them objects; small, since each run costs seconds."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from weaviate_migration.api.status import read_status
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.partition_values import LOADED
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.command_line import Ended, at, on, run_here

MAPPING = """\
name: notes
missing: {missing}
collections:
  - name: Note
    table: notes
    {more}
    properties:
      - {{name: noteId, column: id, index: whole}}
      - {{name: body, column: body, index: words}}
      - {{name: size, column: size, type: int}}
      - {{name: createdAt, column: created_at, type: date}}
"""
TABLE = "CREATE TABLE notes (id VARCHAR NOT NULL PRIMARY KEY, body TEXT NOT NULL, size INTEGER, created_at DATETIME)"
_INSERT = "INSERT INTO notes (id, body, size, created_at) VALUES (?, ?, ?, ?)"
_ROWS = 64


def note_id(number: int, rows: int = _ROWS) -> str:
    """The key of a note: a UUID; they are spread evenly, so each of the sixteen partitions has its share."""
    return str(UUID(int=(number * 2**128 + 2**127) // rows))


def note_rows(rows: int = _ROWS, more: str = "") -> Iterable[tuple[str, str, int, str]]:
    return ((note_id(number, rows), f"note {number}{more}", number, "2024-02-03 04:05:06") for number in range(rows))


def note_file(path: Path, rows: int = _ROWS, table: str = TABLE, more: str = "") -> Path:
    """A file with this many notes, in WAL mode: so nothing is said about writers that have to wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute(table)
        connection.executemany(_INSERT, note_rows(rows, more))
    return path


def note_file_with_unsaved_wal(path: Path) -> Path:
    """A file in WAL mode whose last note is in the WAL only, without `-shm`: as a crash or a plain copy leaves it."""
    live = note_file(path.parent / "live.db")
    *_, last = note_rows()
    with closing(sqlite3.connect(live, isolation_level=None)) as connection:
        connection.execute("DELETE FROM notes WHERE id = ?", last[:1])
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute(_INSERT, last)
        for suffix in ("", "-wal"):
            shutil.copy(f"{live}{suffix}", f"{path}{suffix}")
    for left in path.parent.glob("live.db*"):
        left.unlink()
    return path


def add_notes(path: Path, rows: Iterable[tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(_INSERT, rows)


def make_mapping(path: Path, more: str = "", missing: str = "refuse") -> Path:
    """The mapping file of the notes; `more` are further lines of the collection."""
    path.write_text(MAPPING.format(missing=missing, more=more), encoding="utf-8")
    return path


@dataclass(frozen=True)
class NoteMigration:
    """A folder with a source, a mapping and a work folder, and a server to migrate to."""

    folder: Path
    server: ServerAddress

    @property
    def source(self) -> Path:
        return self.folder / "app" / "app.db"

    @property
    def mapping(self) -> Path:
        return self.folder / "notes.yaml"

    @property
    def work_dir(self) -> Path:
        return self.folder / "work"

    @property
    def config(self) -> MigrationConfig:
        """The settings, as the UI has them from the environment."""
        return create_migration_config(
            str(self.source),
            weaviate_url=f"http://{self.server.host}:{self.server.http_port}",
            grpc_port=self.server.grpc_port,
            mapping=self.mapping,
            work_dir=self.work_dir,
        )

    @property
    def source_options(self) -> list[object]:
        """The file and where its migration belongs."""
        return ["--sqlite-url", self.source, "--mapping", self.mapping, "--work-dir", self.work_dir]

    @property
    def options(self) -> list[object]:
        """Those of `migrate`; of most options given twice the last counts."""
        return [*self.source_options, *at(self.server)]

    def forget_loaded(self) -> None:
        """As if the process had been killed before any partition was loaded in whole: all are loaded again."""
        StateStore.of(self.work_dir).remove(LOADED)

    def is_all_applied(self) -> bool:
        """Whether every change is noted as applied; a pass that is stopped before that leaves it for the next one."""
        capture = read_status(self.config).capture
        return capture is not None and capture.changes == 0

    def block_extracts(self) -> None:
        """A file stands where the folder of the extracts was: none can be written, however often it is tried."""
        self.forget_loaded()
        shutil.rmtree(self.work_dir / "extracts")
        (self.work_dir / "extracts").write_text("in the way")

    def migrate(self, *more: object) -> Ended:
        return run_here("migrate", *on(self.options, more))

    def roll_back(self, *more: object) -> Ended:
        return run_here("rollback", "--work-dir", self.work_dir, *at(self.server), *more)


def fresh_notes(folder: Path, server: ServerAddress) -> NoteMigration:
    """A file of notes and its mapping, in this folder."""
    notes = NoteMigration(folder, server)
    note_file(notes.source)
    make_mapping(notes.mapping)
    return notes
