import json
from pathlib import Path

import pytest

from weaviate_migration.work_folder.quarantine import Quarantine, QuarantinedRow

NAME = "Note_20261122T093015"


def row(key: str, **payload: object) -> QuarantinedRow:
    return QuarantinedRow(key, None, "a part of its key is NULL", payload)


def test_rows_come_back_with_their_partition_in_order(tmp_path: Path) -> None:
    first, second = row("Zoë \0", body="🎉\n", n=1.5), QuarantinedRow("b", "u", "too large", {"tags": ["x"]})
    with Quarantine(tmp_path / "quarantine", NAME) as quarantine:
        quarantine.add("15", first)
        quarantine.add("00", second)
        quarantine.add("00", first)
    assert list(Quarantine(tmp_path / "quarantine", NAME).rows()) == [("00", second), ("00", first), ("15", first)]


def test_files_are_json_lines_that_people_can_read(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        quarantine.add("03", row("Zoë", body="line\u2028 break \ud800"))
    (path,) = tmp_path.iterdir()
    assert path.name == f"{NAME}.03.jsonl"
    text = path.read_text(encoding="utf-8")
    assert "Zoë" in text
    (line,) = text.split("\n")[:-1]
    assert json.loads(line)["payload"] == {"body": "line\u2028 break \ud800"}
    assert [each.payload for _, each in Quarantine(tmp_path, NAME).rows()] == [{"body": "line\u2028 break \ud800"}]


def test_clearing_a_partition_forgets_it_alone(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("01", row("b"))
        quarantine.clear("00")
        quarantine.clear("02")
    assert [partition for partition, _ in Quarantine(tmp_path, NAME).rows()] == ["01"]


def test_rows_after_clearing_are_kept(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        quarantine.add("00", row("old"))
        quarantine.clear("00")
        quarantine.add("00", row("new"))
    assert [each.key for _, each in Quarantine(tmp_path, NAME).rows()] == ["new"]


def test_replacing_takes_the_place_of_a_partition_in_one_step(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        for key in ("a", "b"):
            quarantine.add("00", row(key))
        quarantine.add("01", row("c"))
    quarantine = Quarantine(tmp_path, NAME)
    with quarantine.replacing("00"):
        quarantine.add("00", row("new"))
        assert [each.key for each in quarantine.rows_of("00")] == ["a", "b"]
    assert [(partition, each.key) for partition, each in quarantine.rows()] == [("00", "new"), ("01", "c")]
    with quarantine.replacing("00"):
        pass
    assert quarantine.partitions() == ["01"]
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.01.jsonl"]


def test_replacing_keeps_the_rows_that_are_to_stay(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        for key in ("a", "b"):
            quarantine.add("00", row(key))
    quarantine = Quarantine(tmp_path, NAME)
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
    with Quarantine(tmp_path, NAME) as quarantine:
        quarantine.add("00", row("a"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(stop):
        add_and_stop(quarantine, stop)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_replacing_that_was_killed_leaves_the_rows_and_is_discarded_with_them(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        quarantine.add("00", row("a"))
    (tmp_path / f"{NAME}.00.partial").write_text("{", encoding="utf-8")
    assert [each.key for _, each in Quarantine(tmp_path, NAME).rows()] == ["a"]
    Quarantine(tmp_path, NAME).discard()
    assert list(tmp_path.iterdir()) == []


def test_a_partition_that_is_loaded_anew_meanwhile_has_no_rows(tmp_path: Path) -> None:
    assert list(Quarantine(tmp_path, NAME).rows_of("00")) == []


def test_discarding_leaves_other_collections_alone(tmp_path: Path) -> None:
    for name in (NAME, "Note", f"Other{NAME}"):
        with Quarantine(tmp_path, name) as quarantine:
            quarantine.add("00", row(name))
    Quarantine(tmp_path, NAME).discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Note.00.jsonl", f"Other{NAME}.00.jsonl"]


def test_a_line_that_was_being_written_when_the_process_was_killed_is_left_out(tmp_path: Path) -> None:
    with Quarantine(tmp_path, NAME) as quarantine:
        quarantine.add("00", row("a"))
        quarantine.add("00", row("b"))
    path = tmp_path / f"{NAME}.00.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert [each.key for _, each in Quarantine(tmp_path, NAME).rows()] == ["a"]


def test_nothing_is_there_before_something_is_refused(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "quarantine", NAME) as quarantine:
        quarantine.clear("00")
        assert list(quarantine.rows()) == []
        quarantine.discard()
    assert list(tmp_path.iterdir()) == []
