"""A value for each partition of a collection: kept, read, removed, and taken over from an earlier version's files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from weaviate_migration.work_folder.partition_values import KINDS, LOADED, PartitionValues, take_over
from weaviate_migration.work_folder.state_store import StateStore


@pytest.fixture
def texts(tmp_path: Path) -> PartitionValues[str]:
    return values_of(tmp_path, "Note_1")


def values_of(folder: Path, collection: str, kind: str = LOADED) -> PartitionValues[str]:
    store = StateStore.of(folder)
    return PartitionValues(store, kind, collection, lambda text: {"text": text}, lambda stored: stored["text"])


def test_values_come_back_by_partition_in_their_order(texts: PartitionValues[str], tmp_path: Path) -> None:
    assert texts.all() == {}
    for partition in ("0f", "whole", "00"):
        texts.write(partition, f"of {partition}")
    texts.write("0f", "replaced")
    values_of(tmp_path, "Note_12").write("01", "of another collection")
    values_of(tmp_path, "Note_1", "another kind").write("02", "of another kind")
    assert list(texts.all().items()) == [("00", "of 00"), ("0f", "replaced"), ("whole", "of whole")]
    assert [each <= datetime.now(UTC) for each in texts.written_at()] == [True] * 3


def test_text_that_utf_8_cannot_encode_comes_back(texts: PartitionValues[str], tmp_path: Path) -> None:
    texts.write("00", "naïve \ud800 \\ud800")
    assert texts.all()["00"] == "naïve \ud800 \\ud800"
    assert "naïve" in (StateStore.of(tmp_path).read(LOADED, "Note_1", "00") or "")


def test_values_are_removed(texts: PartitionValues[str], tmp_path: Path) -> None:
    other = values_of(tmp_path, "Other")
    texts.write_all(dict.fromkeys(("00", "01", "02"), "here"))
    other.write("00", "here")
    texts.remove(["01"])
    texts.remove(["03"])
    assert list(texts.all()) == ["00", "02"]
    texts.remove_all()
    assert texts.all() == {}
    assert other.all() == {"00": "here"}


def test_files_of_an_earlier_version_are_taken_over(tmp_path: Path) -> None:
    """But for what a power cut has left of one: it is as if it were not there."""
    files = [tmp_path / kind / f"Note_1.0{number}.json" for number, kind in enumerate(KINDS)]
    damaged = [tmp_path / LOADED / f"Note_1.1{number}.json" for number in range(3)]
    for path, content in zip(damaged, (b"", b"\0" * 20, b'{"text": "ha'), strict=True):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    for path in files:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'{{"text": "of {path.parent.name}"}}', encoding="utf-8")
    assert sorted(take_over(tmp_path, StateStore.of(tmp_path))) == sorted([*files, *damaged])
    for number, kind in enumerate(KINDS):
        assert values_of(tmp_path, "Note_1", kind).all() == {f"0{number}": f"of {kind}"}
