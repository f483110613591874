import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from upath import UPath

from weaviate_migration.work_folder import quarantine as quarantine_module
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.quarantine import IndexedRow, Quarantine, QuarantinedRow, take_over
from weaviate_migration.work_folder.state_store import FILE_NAME
from weaviate_migration.work_folder.storage import remove, writing_whole
from weaviate_migration_tests.cluster.s3_server import S3Server

NAME = "Note_20261122T093015"


def quarantine_in(folder: Path, name: str = NAME) -> Quarantine:
    return WorkFolder(folder).quarantine_of(name)


def count(quarantine: Quarantine) -> int:
    return len(list(quarantine.index()))


def files_of(folder: Path) -> list[Path]:
    kept = folder / "quarantine"
    return list(kept.iterdir()) if kept.exists() else []


def row(key: str, **payload: object) -> QuarantinedRow:
    return QuarantinedRow(key, None, "a part of its key is NULL", payload)


def test_rows_come_back_with_their_partition_in_order(tmp_path: Path) -> None:
    first, second = row("Zoë \0", body="🎉\n", n=1.5), QuarantinedRow("b", "u", "too large", {"tags": ["x"]})
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("15", first)
        quarantine.add("00", second)
        quarantine.add("00", first)
    assert list(quarantine_in(tmp_path).rows()) == [("00", second), ("00", first), ("15", first)]


def test_files_are_json_lines_that_people_can_read(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("03", row("Zoë", body="line\u2028 break \ud800"))
    (path,) = files_of(tmp_path)
    assert path.name == f"{NAME}.03.jsonl"
    text = path.read_text(encoding="utf-8")
    assert "Zoë" in text
    (line,) = text.split("\n")[:-1]
    assert json.loads(line)["payload"] == {"body": "line\u2028 break \ud800"}
    assert [each.payload for _, each in quarantine_in(tmp_path).rows()] == [{"body": "line\u2028 break \ud800"}]


def test_clearing_a_partition_forgets_it_alone(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("01", row("b"))
        quarantine.clear("00")
        quarantine.clear("02")
    assert [partition for partition, _ in quarantine_in(tmp_path).rows()] == ["01"]


def test_rows_after_clearing_are_kept(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("old"))
        quarantine.clear("00")
        quarantine.add("00", row("new"))
    assert [each.key for _, each in quarantine_in(tmp_path).rows()] == ["new"]


def test_replacing_takes_the_place_of_a_partition_in_one_step(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        for key in ("a", "b"):
            quarantine.add("00", row(key))
        quarantine.add("01", row("c"))
    quarantine = quarantine_in(tmp_path)
    with quarantine.replacing("00"):
        quarantine.add("00", row("new"))
        assert [each.key for each in quarantine.rows_of("00")] == ["a", "b"]
    assert [(partition, each.key) for partition, each in quarantine.rows()] == [("00", "new"), ("01", "c")]
    with quarantine.replacing("00"):
        pass
    assert quarantine.partitions() == ["01"]
    assert [path.name for path in files_of(tmp_path)] == [f"{NAME}.01.jsonl"]


def test_replacing_keeps_the_rows_that_are_to_stay(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        for key in ("a", "b"):
            quarantine.add("00", row(key))
    quarantine = quarantine_in(tmp_path)
    with quarantine.replacing("00", keep=lambda each: each.key == "b"):
        quarantine.add("00", row("new"))
    assert [each.key for each in quarantine.rows_of("00")] == ["b", "new"]


class StoppedError(Exception):
    pass


def add_and_stop(quarantine: Quarantine, stop: type[BaseException]) -> None:
    with quarantine.replacing("00"):
        quarantine.add("00", row("new"))
        raise stop


@pytest.mark.parametrize("stop", [KeyboardInterrupt, StoppedError])
def test_replacing_that_does_not_come_to_its_end_changes_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
    before = {path.name: path.read_bytes() for path in files_of(tmp_path)}
    with pytest.raises(stop):
        add_and_stop(quarantine, stop)
    assert {path.name: path.read_bytes() for path in files_of(tmp_path)} == before


def test_a_replacing_that_was_killed_leaves_the_rows_and_is_discarded_with_them(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
    (tmp_path / "quarantine" / f"{NAME}.00.partial").write_text("{", encoding="utf-8")
    assert [each.key for _, each in quarantine_in(tmp_path).rows()] == ["a"]
    quarantine_in(tmp_path).discard()
    assert list(files_of(tmp_path)) == []


def test_a_partition_that_is_loaded_anew_meanwhile_has_no_rows(tmp_path: Path) -> None:
    assert list(quarantine_in(tmp_path).rows_of("00")) == []


def test_discarding_leaves_other_collections_alone(tmp_path: Path) -> None:
    for name in (NAME, "Note", f"Other{NAME}"):
        with quarantine_in(tmp_path, name) as quarantine:
            quarantine.add("00", row(name))
    quarantine_in(tmp_path).discard()
    assert sorted(path.name for path in files_of(tmp_path)) == ["Note.00.jsonl", f"Other{NAME}.00.jsonl"]


def test_a_line_that_was_being_written_when_the_process_was_killed_is_left_out(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("00", row("b"))
    path = tmp_path / "quarantine" / f"{NAME}.00.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert [each.key for _, each in quarantine_in(tmp_path).rows()] == ["a"]


def test_nothing_is_there_before_something_is_refused(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.clear("00")
        assert list(quarantine.rows()) == []
        quarantine.discard()
    assert list(files_of(tmp_path)) == []


def test_the_index_tells_what_there_is_without_a_payload(tmp_path: Path) -> None:
    large = QuarantinedRow("b", "alice 0001", "too large", {"body": "x" * 1_000}, "conversion")
    with quarantine_in(tmp_path) as quarantine:
        for _ in range(1_500):
            quarantine.add("07", large)
        quarantine.add("00", row("Zoë \0 \ud800"))
        quarantine.add("00", QuarantinedRow("c", "0002", "refused", {}))
    for path in files_of(tmp_path):
        path.unlink()  # Whoever reads a payload finds none.
    found = quarantine_in(tmp_path)
    assert (count(found), found.partitions()) == (1_502, ["00", "07"])
    assert found.count_by_tenant() == {"alice": 1_500, "": 1}
    index = list(found.index())
    assert index[0] == IndexedRow("00", r"Zoë \0 \ud800", None, "a part of its key is NULL", "refused")
    assert [each.key for each in index[:2]] + [each.partition for each in index[2:]] == [
        *(r"Zoë \0 \ud800", "c"),
        *["07"] * 1_500,
    ]
    assert list(found.rows()) == []


def test_an_index_that_a_killed_process_left_behind_the_file_is_made_anew_with_it(tmp_path: Path) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("00", row("b"))
    (path,) = files_of(tmp_path)
    path.unlink()
    assert count(quarantine) == 2
    with quarantine.replacing("00"):
        quarantine.add("00", row("b"))
    assert count(quarantine) == 1
    path.unlink()
    quarantine.clear("00")
    assert (count(quarantine), quarantine.partitions()) == (0, [])


class KilledError(BaseException):
    pass


@contextmanager
def killed_at(name: str) -> Iterator[None]:
    """The process is killed where it would call this function of the module for the first time."""

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(quarantine_module, name, killed)
        with pytest.raises(KilledError):
            yield


def test_what_is_killed_between_file_and_index_counts_for_nothing(tmp_path: Path) -> None:
    quarantine = quarantine_in(tmp_path)
    quarantine.add("00", row("a"))
    with killed_at("_write_index"):
        quarantine.finish("00")
    assert [path.name for path in files_of(tmp_path)] == [f"{NAME}.00.jsonl"]
    assert (count(quarantine), list(quarantine.rows_of("00"))) == (0, [])
    quarantine.clear("00")  # It is loaded again, and then changes: what the file says is not gone on with.
    with quarantine.replacing("00", keep=lambda _: True):
        quarantine.add("00", row("b"))
    assert [each.key for _, each in quarantine.rows()] == ["b"]


@pytest.mark.parametrize("forget", [lambda each: each.clear("00"), Quarantine.discard])
def test_what_is_killed_between_index_and_removal_counts_for_nothing(
    tmp_path: Path, forget: Callable[[Quarantine], None]
) -> None:
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
    with killed_at("remove"):
        forget(quarantine)
    assert len(files_of(tmp_path)) == 1
    assert (count(quarantine), list(quarantine.rows())) == (0, [])
    quarantine.discard()
    assert files_of(tmp_path) == []


def test_a_try_that_is_killed_before_the_index_leaves_rows_for_the_next_one(tmp_path: Path) -> None:
    """What it has written counts as refused until then: nobody switches on the word of half a try."""
    with quarantine_in(tmp_path) as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("00", row("b"))
    with killed_at("_write_index"), quarantine.replacing("00", keep=lambda each: each.key == "b"):
        pass
    assert (count(quarantine), [each.key for each in quarantine.rows_of("00")]) == (2, ["b"])
    with quarantine.replacing("00", keep=lambda each: each.key == "b"):
        pass
    assert [each.key for each in quarantine.index()] == ["b"]


def test_nobody_who_writes_to_the_store_waits_for_the_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a file gets its place, and while it is removed, the store takes what others write."""
    quarantine, calls = quarantine_in(tmp_path), list[str]()
    quarantine.add("00", row("a"))
    quarantine.finish("00")

    def others_write(call: str) -> None:
        with closing(sqlite3.connect(tmp_path / FILE_NAME, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
        calls.append(call)

    @contextmanager
    def placed(path: UPath, scratch: Path | None) -> Iterator[BinaryIO]:
        with writing_whole(path, scratch) as file:
            yield file
            others_write("placed")

    def removed(path: UPath) -> None:
        others_write("removed")
        remove(path)

    monkeypatch.setattr(quarantine_module, "writing_whole", placed)
    monkeypatch.setattr(quarantine_module, "remove", removed)
    quarantine.add("00", row("b"))
    quarantine.finish("00")
    quarantine.clear("00")
    quarantine.add("00", row("c"))
    quarantine.finish("00")
    quarantine.discard()
    assert calls == ["placed", "removed"] * 2


def test_files_of_an_older_version_get_an_index(tmp_path: Path) -> None:
    with quarantine_in(tmp_path / "new") as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("15", row("b"))
    older = tmp_path / "older"
    older.mkdir()
    (tmp_path / "new" / "quarantine").rename(older / "quarantine")
    path = older / "quarantine" / f"{NAME}.15.jsonl"
    path.write_bytes(path.read_bytes() + b'{"key": "half of')
    store = WorkFolder(older).store
    for _ in range(2):
        assert take_over(older, store) == []
        assert [(each.partition, each.key) for each in quarantine_in(older).index()] == [("00", "a"), ("15", "b")]
    assert [each.key for _, each in quarantine_in(older).rows()] == ["a", "b"]


def test_in_a_bucket_it_is_as_on_this_machine(
    tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    quarantine = WorkFolder(tmp_path, s3_server.new_bucket()).quarantine_of(NAME)
    with quarantine:
        quarantine.add("00", row("a", body="🎉"))
        quarantine.add("01", row("b"))
    with quarantine.replacing("00", keep=lambda _: True):
        quarantine.add("00", row("c"))
    assert [(partition, each.key) for partition, each in quarantine.rows()] == [("00", "a"), ("00", "c"), ("01", "b")]
    quarantine.clear("00")
    assert [each.name for each in quarantine.files()] == [f"{NAME}.01.jsonl"]
    quarantine.discard()
    assert (quarantine.files(), count(quarantine)) == ([], 0)
