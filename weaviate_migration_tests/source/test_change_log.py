"""The change log as sync reads it: folded, joined with the rows as they are, of one moment, in nobody's way."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from weaviate_migration.base.errors import (
    CaptureError,
    SourceAwayError,
    SourceError,
    SourceNotUsableError,
    SourceReplacedError,
)
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.source.capture import install_capture, remove_capture
from weaviate_migration.source.change_log import ChangeLog, CopiesTooLargeError, write_positions
from weaviate_migration.source.changed_rows import ChangedRow
from weaviate_migration.source.inspect import inspect_database, quoted
from weaviate_migration.source.log_position import LogPosition, log_end
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.snapshot import take_snapshot
from weaviate_migration_tests.source.captures import ID, mapping_of
from weaviate_migration_tests.source.databases import connect, is_open, make, make_as_its_application

UUIDS = [f"{number}0000000-0000-0000-0000-000000000000" for number in range(10)]


class Captured:
    """A file with one captured table `t`, and its log."""

    def __init__(self, path: Path, key: tuple[str, ...] = ()) -> None:
        self.path = path
        plan = plan_migration(mapping_of({"t": key}), inspect_database(path))
        self.capture = install_capture(path, plan, ID)
        self.plan = plan.collections[0]
        self.log = ChangeLog(path, ID, object_uuid, path.parent, busy_timeout_seconds=0.1)

    def changed(self, after: int = 0, through: int | None = None, **bounds: str) -> list[ChangedRow]:
        with self.log.reading():
            end = self.log.last_position() if through is None else through
            copied = self.log.changed_rows(self.plan, after, end, **bounds)
        found = list(copied.rows())
        copied.close()
        return found


def captured(folder: Path, *statements: str, key: tuple[str, ...] = (), journal_mode: str = "wal") -> Captured:
    return Captured(make(folder / "app.db", f"PRAGMA journal_mode = {journal_mode}", *statements), key)


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Captured]:
    found = captured(tmp_path, "CREATE TABLE t (id TEXT PRIMARY KEY, p)")
    yield found
    found.log.close()


def test_a_key_is_given_once_with_its_row_as_it_is(notes: Captured) -> None:
    with closing(connect(notes.path)) as connection:
        connection.execute("INSERT INTO t VALUES (?, 1)", (UUIDS[2],))
        connection.execute("INSERT INTO t VALUES (?, 1)", (UUIDS[1],))
        connection.execute("UPDATE t SET p = 2 WHERE id = ?", (UUIDS[2],))
        connection.execute("DELETE FROM t WHERE id = ?", (UUIDS[1],))
    assert notes.changed() == [
        ChangedRow(UUIDS[1], (UUIDS[1],), None, 5),
        ChangedRow(UUIDS[2], (UUIDS[2],), (UUIDS[2], 2), 4),
    ]
    assert [each.uuid for each in notes.changed(after=4)] == [UUIDS[1]]
    assert [(each.uuid, each.position) for each in notes.changed(through=3)] == [(UUIDS[1], 3), (UUIDS[2], 2)]
    assert [each.uuid for each in notes.changed(low=UUIDS[2])] == [UUIDS[2]]
    assert [each.uuid for each in notes.changed(high=UUIDS[2])] == [UUIDS[1]]


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("CREATE TABLE t (id PRIMARY KEY, p)", [1, 1.5, "1", b"1", "", b"", "é\x00x", 2**62]),
        ("CREATE TABLE t (id TEXT PRIMARY KEY COLLATE NOCASE, p)", ["ABC", "d", b"d"]),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, p)", [1, -5, 2**62]),
        ("CREATE TABLE t (id REAL PRIMARY KEY, p)", [1.0, 2.5, -1e300]),
        ("CREATE TABLE t (id BLOB PRIMARY KEY, p) WITHOUT ROWID", [b"\x00\xff", "x"]),
    ],
)
def test_keys_keep_their_storage_class(tmp_path: Path, table: str, keys: list[object]) -> None:
    found = captured(tmp_path, table)
    with closing(connect(found.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, 'row')", [(key,) for key in keys])
    with closing(found.log):
        rows = found.changed()
    assert {repr(each.key) for each in rows} == {repr((key,)) for key in keys}
    assert all(each.values == (*each.key, "row") for each in rows)
    assert all(each.uuid == object_uuid("t", each.key) for each in rows)


def test_a_row_of_an_equal_key_is_not_the_row(tmp_path: Path) -> None:
    found = captured(
        tmp_path, "CREATE TABLE t (id TEXT PRIMARY KEY COLLATE NOCASE, p)", "INSERT INTO t VALUES ('a', 1)"
    )
    with closing(connect(found.path)) as connection:
        connection.execute("UPDATE t SET id = 'A'")
    with closing(found.log):
        assert {(each.key, each.values) for each in found.changed()} == {(("a",), None), (("A",), ("A", 1))}


@pytest.mark.parametrize("id_", ["id", "i$d", "i\u00b7d"])
@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"])
def test_rows_are_found_where_only_the_application_has_the_collation_of_the_key(
    tmp_path: Path, kind: str, id_: str
) -> None:
    """Its index is in the order of the lengths: looked up by the order of the bytes, rows would seem to be gone."""
    names = ["zzz", "a", "mm", "yyyy", "xxxxx"]
    table = f"CREATE TABLE t ({id_} TEXT PRIMARY KEY COLLATE by_length, p) {kind}"
    path = make_as_its_application(tmp_path / "app.db", "PRAGMA journal_mode = wal", table)
    found = Captured(path)
    make_as_its_application(path, *(f"INSERT INTO t VALUES ('{name}', 1)" for name in names))
    make_as_its_application(path, f"DELETE FROM t WHERE {id_} = 'a'")
    with closing(found.log):
        assert {each.key[0]: each.values for each in found.changed()} == {
            name: None if name == "a" else (name, 1) for name in names
        }


def test_text_that_is_no_utf8_is_a_key_as_any(tmp_path: Path) -> None:
    found = captured(tmp_path, "CREATE TABLE t (id TEXT PRIMARY KEY, p)")
    with closing(connect(found.path)) as connection:
        connection.execute("INSERT INTO t VALUES (CAST(x'ff61' AS TEXT), CAST(x'fe' AS TEXT))")
    with closing(found.log):
        (row,) = found.changed()
    assert (row.key, row.values) == (("\udcffa",), ("\udcffa", "\udcfe"))


def test_composite_keys_and_keys_with_null(tmp_path: Path) -> None:
    found = captured(tmp_path, "CREATE TABLE t (a, b, p)", key=("b", "a"))
    with closing(connect(found.path)) as connection:
        connection.execute("INSERT INTO t VALUES (1, 'x', 'one'), (NULL, 'x', 'none'), (1, 'x', 'two')")
    with closing(found.log):
        rows = found.changed()
    assert [(each.key, each.values) for each in rows] == [
        (("x", None), None),
        (("x", 1), (1, "x", "one")),
        (("x", 1), (1, "x", "two")),
    ]
    assert [each.uuid is None for each in rows] == [True, False, False]


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_nobody_waits_while_a_copy_is_read(tmp_path: Path, journal_mode: str) -> None:
    found = captured(tmp_path, "CREATE TABLE t (id INTEGER PRIMARY KEY, p)", journal_mode=journal_mode)
    with closing(found.log), closing(sqlite3.connect(found.path, timeout=0, isolation_level=None)) as application:
        application.executemany("INSERT INTO t VALUES (?, 'before')", [(number,) for number in range(500)])
        with found.log.reading():
            copied = found.log.changed_rows(found.plan, 0, found.log.last_position())
        rows = copied.rows()
        first = next(rows)
        application.execute("UPDATE t SET p = 'after'")
        assert {each.values and each.values[1] for each in [first, *rows]} == {"before"}
        assert len(copied) == 500


def test_a_copy_is_given_up_in_the_middle_of_it(notes: Captured) -> None:
    """As an error leaves it; SQLite calls a table locked that somebody reads."""
    with closing(connect(notes.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, 1)", [(uuid,) for uuid in UUIDS])
    with notes.log.reading():
        copied = notes.log.changed_rows(notes.plan, 0, notes.log.last_position())
    rows, uuids = copied.rows(), copied.uuids()
    assert next(rows).uuid == next(uuids) == UUIDS[0]
    copied.close()
    assert len(notes.changed()) == len(UUIDS)


def test_what_is_read_inside_is_of_one_moment(notes: Captured) -> None:
    with closing(connect(notes.path)) as application, notes.log.reading():
        assert notes.log.last_position() == 1
        application.execute("INSERT INTO t VALUES ('a', 1)")
        assert notes.log.last_position() == 1
        assert notes.log.lag(0).changes == 0
    with notes.log.reading():
        assert notes.log.last_position() == 2
        assert notes.log.lag(1).changes == 1


def test_it_is_known_whether_anything_was_committed(notes: Captured) -> None:
    assert notes.log.has_changed()
    assert not notes.log.has_changed()
    with closing(connect(notes.path)) as connection:
        connection.execute("INSERT INTO t VALUES ('a', 1)")
    assert notes.log.has_changed()
    assert not notes.log.has_changed()


def test_damage_is_noticed_before_the_next_change_is_read(notes: Captured) -> None:
    with closing(connect(notes.path)) as connection:
        connection.execute("CREATE INDEX another ON t (p)")
        with notes.log.reading():
            assert notes.log.last_position() == 1
        connection.execute("ALTER TABLE t ADD COLUMN more")
        connection.execute("INSERT INTO t (id) VALUES ('a')")
    with pytest.raises(CaptureError, match="`t` was altered") as raised, notes.log.reading():
        pass
    assert "capture install" in raised.value.hint


def test_a_capture_that_is_gone(notes: Captured) -> None:
    remove_capture(notes.path, ID)
    with pytest.raises(CaptureError, match="has no change capture of this work folder"), notes.log.reading():
        pass


def test_another_file_under_the_same_path(notes: Captured) -> None:
    assert not notes.log.is_another_file
    shutil.copy(notes.path, notes.path.with_suffix(".copy"))
    notes.path.with_suffix(".copy").replace(notes.path)
    assert notes.log.is_another_file


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_nothing_is_read_of_a_file_that_another_one_has_replaced(tmp_path: Path, journal_mode: str) -> None:
    """But for its newest entry: whoever follows the file that is there now asks whether that one has it."""
    notes = captured(tmp_path, "CREATE TABLE t (id TEXT PRIMARY KEY, p)", journal_mode=journal_mode)
    with closing(notes.log), closing(connect(notes.path)) as application:
        application.execute("INSERT INTO t VALUES ('a', 1)")
        with notes.log.reading():
            newest = notes.log.last_position(), notes.log.entry(notes.log.last_position())
        application.execute(f"VACUUM INTO '{tmp_path / 'new.db'}'")
        (tmp_path / "new.db").replace(notes.path)
        with pytest.raises(SourceReplacedError, match="another file has taken its place"), notes.log.reading():
            pass
        assert notes.log.last_entry() == newest


def test_a_file_that_was_emptied_is_said_to_be_empty(notes: Captured) -> None:
    with notes.path.open("r+b") as file:
        file.truncate(0)
    with pytest.raises(SourceAwayError, match="is empty"), notes.log.reading():
        pass
    with pytest.raises(SourceAwayError, match="is empty"):
        ChangeLog(notes.path, ID, object_uuid, notes.path.parent)


def test_a_log_that_cannot_be_opened_leaves_no_connection(tmp_path: Path) -> None:
    source = make(tmp_path / "app.db", "CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    with pytest.raises(SourceError, match="not a writable directory") as error:
        ChangeLog(source, ID, object_uuid, tmp_path / "nothing")
    assert not is_open(source), error.traceback


def test_what_was_seen_is_kept_until_it_is_applied() -> None:
    known = LogPosition(capture=ID, epoch=1, position=5, entry="five")
    seen = known.seeing(8, "eight")
    assert (seen.position, seen.seen, seen.seen_entry) == (5, 8, "eight")
    assert seen.seeing(7, "seven") == seen
    assert known.seeing(5, "five") == known
    assert seen.moved_to(7, "seven") == LogPosition(
        capture=ID, epoch=1, position=7, entry="seven", seen=8, seen_entry="eight"
    )
    assert seen.moved_to(8, "eight") == LogPosition(capture=ID, epoch=1, position=8, entry="eight")
    # As older versions wrote it, and read it.
    assert known.model_dump() == {"capture": ID, "epoch": 1, "position": 5, "entry": "five"}
    assert LogPosition.model_validate(known.model_dump()) == known


def test_no_file_under_the_path_any_more(notes: Captured) -> None:
    notes.path.rename(notes.path.with_suffix(".moved"))
    with pytest.raises(SourceNotUsableError, match="No such file"):
        _ = notes.log.is_another_file
    with pytest.raises(SourceNotUsableError):
        write_positions(notes.path, notes.capture, {"m": (1, 1, 1)}, 0, 0)
    assert not notes.path.exists()


def test_where_the_log_of_a_snapshot_ends(notes: Captured, tmp_path: Path) -> None:
    with closing(connect(notes.path)) as connection:
        connection.execute("INSERT INTO t VALUES ('a', 1)")
        taken = take_snapshot(
            notes.path, tmp_path / "snapshot.db", allow_pause=True, say=lambda _: None, scratch=tmp_path
        )
        connection.execute("INSERT INTO t VALUES ('b', 1)")
    end = log_end(taken.path, ID)
    assert end is not None
    with notes.log.reading():
        assert (end.position, end.entry) == (2, notes.log.entry(2))
        assert notes.log.entry(3) not in (None, end.entry)
        assert notes.log.entry(4) is None
    assert log_end(taken.path, "ffffffff") is None


def test_an_entry_says_the_same_when_the_log_gets_wider(tmp_path: Path) -> None:
    found = captured(
        tmp_path, "CREATE TABLE t (id TEXT PRIMARY KEY, p)", "CREATE TABLE u (a, b, p, PRIMARY KEY (a, b))"
    )
    with closing(found.log), closing(connect(found.path)) as connection:
        connection.execute("INSERT INTO t VALUES ('a', 1)")
        with found.log.reading():
            before = found.log.entry(2)
        wider = mapping_of({"t": (), "u": ()})
        assert install_capture(found.path, plan_migration(wider, inspect_database(found.path)), ID).epoch == 2
        with found.log.reading():
            assert found.log.entry(2) == before


def positions(found: Captured) -> list[object]:
    with closing(connect(found.path)) as connection:
        rows = connection.execute(f"SELECT position FROM {quoted(found.capture.changes)} ORDER BY position")
        return [position for (position,) in rows]


def test_what_nobody_needs_is_pruned_and_no_position_is_used_twice(notes: Captured) -> None:
    with closing(connect(notes.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, 1)", [(number,) for number in range(5)])
        assert write_positions(notes.path, notes.capture, {"m": (1, 4, 3)}, prune_before=3, limit=100)
        assert positions(notes) == [3, 4, 5, 6]
        assert not write_positions(notes.path, notes.capture, {"m": (1, 6, 6)}, prune_before=6, limit=2), "more is left"
        assert positions(notes) == [5, 6]
        assert write_positions(notes.path, notes.capture, {"m": (1, 6, 6)}, prune_before=100, limit=100)
        assert positions(notes) == [6]
        connection.execute("INSERT INTO t VALUES ('x', 1)")
    assert positions(notes) == [6, 7]


class Limits(NamedTuple):
    keep_changes: int = 1000
    keep_hours: float = 1000


def outlived(notes: Captured, among: int = 100, **limits: float) -> int:
    with notes.log.reading():
        return notes.log.outlived(Limits(**limits), among)  # type: ignore[arg-type]


def test_what_is_beyond_the_limits_by_number_or_age(notes: Captured) -> None:
    with closing(connect(notes.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, 1)", [(number,) for number in range(5)])
        assert outlived(notes) == 1, "nothing"
        assert outlived(notes, keep_changes=2) == 5
        assert outlived(notes, keep_changes=2, among=1) == 2, "it looks no further than it is told"
        assert outlived(notes, keep_changes=1) == 6, "the newest stays"
        aged = f"UPDATE {quoted(notes.capture.changes)} SET at = at - 2.0 / 24 WHERE position IN (1, 2, 5)"
        connection.execute(aged)
        assert outlived(notes, keep_hours=1) == 3, "no gap behind what stays"
        assert outlived(notes, keep_hours=3) == 1
        assert outlived(notes, keep_changes=3, keep_hours=1) == 4, "whichever is reached first"


def test_changes_after_a_position_that_is_pruned_are_refused_and_not_left_out(notes: Captured) -> None:
    with closing(connect(notes.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, 1)", [(uuid,) for uuid in UUIDS[:5]])
    assert write_positions(notes.path, notes.capture, {}, prune_before=4, limit=100)
    assert len(notes.changed(after=4)) == 2
    assert len(notes.changed(after=3)) == 3
    with pytest.raises(CaptureError, match="begins at position 4, and what has changed since position 2 is needed"):
        notes.changed(after=2)


def test_positions_in_the_file(notes: Captured) -> None:
    assert write_positions(notes.path, notes.capture, {"a": (1, 1, 1), "b": (1, 1, 1)}, 0, 0)
    with notes.log.reading():
        assert (notes.log.applied_in_file("a"), notes.log.applied_in_file("c")) == (1, None)
    assert write_positions(notes.path, notes.capture, {"b": (1, 1, 1)}, 0, 0)
    with notes.log.reading():
        assert notes.log.applied_in_file("a") is None


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_position_is_not_written_while_the_application_writes(tmp_path: Path, journal_mode: str) -> None:
    found = captured(tmp_path, "CREATE TABLE t (id INTEGER PRIMARY KEY, p)", journal_mode=journal_mode)
    with closing(found.log), closing(sqlite3.connect(found.path, timeout=0, isolation_level=None)) as application:
        application.execute("BEGIN IMMEDIATE")
        assert not write_positions(found.path, found.capture, {"m": (1, 1, 1)}, 0, 0)
        application.execute("INSERT INTO t VALUES (1, 1)")
        application.execute("COMMIT")
        assert write_positions(found.path, found.capture, {"m": (1, 1, 1)}, 0, 0)


def test_the_uuid_of_a_key_that_changed_often_is_asked_for_once(tmp_path: Path) -> None:
    found = captured(tmp_path, "CREATE TABLE t (a, b, p, PRIMARY KEY (a, b))")
    with closing(connect(found.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, 'x', 0)", [(1,), (2,), (3,)])
        connection.executemany("UPDATE t SET p = ?", [(number,) for number in range(50)])
    asked: list[tuple[SqlValue, ...]] = []

    def noted_uuid(table: str, key: tuple[SqlValue, ...]) -> str | None:
        asked.append(key)
        return object_uuid(table, key)

    with found.log, ChangeLog(found.path, ID, noted_uuid, tmp_path) as log, log.reading():
        log.changed_rows(found.plan, 0, log.last_position(), low=UUIDS[1], high=UUIDS[9])
    assert sorted(asked) == [(1, "x"), (2, "x"), (3, "x")]


def test_copies_that_are_too_large_leave_nothing_behind(notes: Captured) -> None:
    with closing(connect(notes.path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(uuid, "x" * 100_000) for uuid in UUIDS])
    with pytest.raises(CopiesTooLargeError), notes.log.reading(500_000):
        notes.log.changed_rows(notes.plan, 0, notes.log.last_position())
    with notes.log.reading(500_000):
        some = notes.log.changed_rows(notes.plan, 0, 4)
    copied = len(some)
    assert copied * 100_000 < some.bytes < 500_000
    with pytest.raises(CopiesTooLargeError), notes.log.reading(500_000):
        notes.log.changed_rows(notes.plan, 4, notes.log.last_position())
    # What was copied before stays, and where nothing limits them all copies have room.
    assert [len(each.values[1]) for each in some.rows() if each.values] == [100_000] * copied  # type: ignore[arg-type]
    some.close()
    assert len(notes.changed()) == len(UUIDS)
