"""What may happen to the SQLite file of an application under a migration, and what its people do once they are told."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration_tests.live.notes import TABLE, NoteMigration, note_file, note_id

_SINCE_THEN = " SELECT id, 'rebuilt', size, created_at FROM"


@dataclass(frozen=True)
class Event:
    """Something that happens to the file of a migration.

    Attributes:
        happens: what happens.
        said: what a command has to say of it; '' where nothing was lost, so that nothing has to be said.
        before: what is done while all is well.
        people: what people do, beside the commands that messages name, when they read `told`, a pattern.
        is_over: whether a follower only waits until people have done that.
        table, body: what the table and the column of the text are called afterwards.
    """

    happens: Callable[[NoteMigration], object]
    said: str = ""
    before: Callable[[NoteMigration], object] = lambda _: None
    people: Callable[[NoteMigration], object] = lambda _: None
    told: str = ""
    is_over: bool = False
    table: str = "notes"
    body: str = "body"


def execute(source: Path, *statements: str) -> None:
    """Changes the file as its application does, by one connection."""
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        for each in statements:
            connection.execute(each)


def beside(notes: NoteMigration, name: str) -> Path:
    """A file in the folder of the source."""
    return notes.source.with_name(name)


def put_in_place(new: Path, source: Path) -> None:
    """As SQLite's manual has it done: the WAL of the file that was there goes with it."""
    for suffix in ("-wal", "-shm"):
        Path(f"{source}{suffix}").unlink(missing_ok=True)
    new.replace(source)


def copy_all(source: Path, to: Path) -> None:
    """All that is committed, as `.backup` and `.restore` copy it."""
    with closing(sqlite3.connect(source)) as connection, closing(sqlite3.connect(to)) as copy:
        connection.backup(copy)


def back_up(notes: NoteMigration) -> None:
    copy_all(notes.source, beside(notes, "backup.db"))


def restore(notes: NoteMigration) -> None:
    put_in_place(beside(notes, "backup.db"), notes.source)


def restore_in_place(notes: NoteMigration) -> None:
    copy_all(beside(notes, "backup.db"), notes.source)


def replace_by_another(notes: NoteMigration) -> None:
    """Another file of the same application: some keys are the same, and nothing of ours is in it."""
    new = note_file(beside(notes, "new.db"), rows=32, more=" of another file")
    put_in_place(new, notes.source)


def vacuum_into_another(notes: NoteMigration) -> None:
    new = beside(notes, "new.db")
    execute(notes.source, f"VACUUM INTO '{new}'")
    put_in_place(new, notes.source)


def dump_into_another(notes: NoteMigration) -> None:
    new = beside(notes, "new.db")
    with closing(sqlite3.connect(notes.source)) as connection, closing(sqlite3.connect(new)) as other:
        other.executescript("\n".join(connection.iterdump()))
    put_in_place(new, notes.source)


def empty_it(notes: NoteMigration) -> None:
    back_up(notes)
    with notes.source.open("r+b") as file:
        file.truncate(0)


def cut_it_in_half(notes: NoteMigration) -> None:
    back_up(notes)
    execute(notes.source, "PRAGMA wal_checkpoint(TRUNCATE)")
    with notes.source.open("r+b") as file:
        file.truncate(notes.source.stat().st_size // 2)


def add_column(notes: NoteMigration) -> None:
    execute(
        notes.source,
        "ALTER TABLE notes ADD COLUMN colour TEXT DEFAULT 'red'",
        "UPDATE notes SET colour = 'blue' WHERE size < 9",
    )


def make_table_again(notes: NoteMigration) -> None:
    execute(
        notes.source,
        "CREATE TEMP TABLE kept AS SELECT * FROM notes WHERE size > 10",
        "DROP TABLE main.notes",
        TABLE.replace("TABLE notes", "TABLE main.notes"),
        f"INSERT INTO main.notes {_SINCE_THEN} kept",
    )


def rebuild(notes: NoteMigration) -> None:
    """As tools for schema migrations do it: the triggers are gone."""
    execute(
        notes.source,
        TABLE.replace("TABLE notes", "TABLE new_notes"),
        f"INSERT INTO new_notes {_SINCE_THEN} notes",
        "DROP TABLE notes",
        "ALTER TABLE new_notes RENAME TO notes",
    )


def lose_triggers(notes: NoteMigration) -> None:
    with closing(sqlite3.connect(notes.source)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    execute(notes.source, *(f"DROP TRIGGER {name}" for (name,) in names))
    execute(notes.source, f"UPDATE notes SET body = 'unlogged' WHERE id = '{note_id(7)}'")


def move_away(notes: NoteMigration) -> None:
    execute(notes.source, "PRAGMA wal_checkpoint(TRUNCATE)")
    notes.source.rename(beside(notes, "elsewhere.db"))


def link_to_it(notes: NoteMigration) -> None:
    notes.source.symlink_to(beside(notes, "elsewhere.db"))


def statement(sql: str) -> Callable[[NoteMigration], None]:
    return lambda notes: execute(notes.source, sql)


def with_mapping(was: str, now: str) -> Callable[[NoteMigration], object]:
    """Has people change the mapping."""
    return lambda notes: notes.mapping.write_text(notes.mapping.read_text().replace(was, now))


_ALTERED = "table `notes` was altered"
_CHANGE_IT = "does not fit|none of the mapped tables"
_DATE = "      - {name: createdAt, column: created_at, type: date}\n"

EVENTS = {
    "replaced": Event(replace_by_another, "restored, or replaced"),
    "restored": Event(restore, "restored", back_up),
    "restored in place": Event(restore_in_place, "restored", back_up),
    "vacuumed": Event(statement("VACUUM")),
    "vacuumed into another": Event(vacuum_into_another),
    "dumped into another": Event(dump_into_another, "dropped and made again"),
    "emptied": Event(empty_it, "is empty", people=restore, told="put a backup in its place", is_over=True),
    "cut in half": Event(cut_it_in_half, "is damaged", people=restore, told="Save what can be read"),
    "column added": Event(add_column, _ALTERED),
    "column dropped": Event(
        statement("ALTER TABLE notes DROP COLUMN created_at"),
        "created_at",
        people=with_mapping(_DATE, ""),
        told=_CHANGE_IT,
    ),
    "column renamed": Event(
        statement("ALTER TABLE notes RENAME COLUMN body TO content"),
        "no column `body`",
        people=with_mapping("column: body", "column: content"),
        told=_CHANGE_IT,
        body="content",
    ),
    "table renamed": Event(
        statement("ALTER TABLE notes RENAME TO jottings"),
        "jottings",
        people=with_mapping("table: notes", "table: jottings"),
        told=_CHANGE_IT,
        table="jottings",
    ),
    "table made again": Event(make_table_again, "dropped and made again"),
    "table rebuilt": Event(rebuild, _ALTERED),
    "triggers lost": Event(lose_triggers, "has lost its trigger"),
    "rollback journal": Event(statement("PRAGMA journal_mode = delete")),
    "moved away": Event(
        move_away, "No such file", people=link_to_it, told="a symbolic link in its old place", is_over=True
    ),
}
