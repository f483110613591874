from datetime import UTC, datetime
from pathlib import Path

import pytest

from weaviate_migration.work_folder.partition_files import PartitionFiles, PartitionPaths


@pytest.fixture
def texts(tmp_path: Path) -> PartitionFiles[str]:
    return files_of(tmp_path, "Note_1")


def files_of(folder: Path, collection: str) -> PartitionFiles[str]:
    return PartitionFiles(folder / "texts", collection, lambda text: {"text": text}, lambda stored: stored["text"])


def test_values_come_back_by_partition_in_their_order(texts: PartitionFiles[str], tmp_path: Path) -> None:
    assert texts.all() == {}
    for partition in ("0f", "whole", "00"):
        texts.write(partition, f"of {partition}")
    texts.write("0f", "replaced")
    files_of(tmp_path, "Note_12").write("01", "of another collection")
    assert list(texts.all().items()) == [("00", "of 00"), ("0f", "replaced"), ("whole", "of whole")]
    assert (texts.read("0f"), texts.read("01")) == ("replaced", None)
    assert [each <= datetime.now(UTC) for each in texts.written_at()] == [True] * 3


def test_text_that_utf_8_cannot_encode_comes_back(texts: PartitionFiles[str], tmp_path: Path) -> None:
    texts.write("00", "naïve \ud800 \\ud800")
    assert texts.read("00") == "naïve \ud800 \\ud800"
    assert "naïve" in (tmp_path / "texts" / "Note_1.00.json").read_text(encoding="utf-8")


def test_what_a_power_cut_left_is_as_if_it_were_not_there(texts: PartitionFiles[str], tmp_path: Path) -> None:
    texts.write("00", "whole")
    texts.write("01", "whole")
    for content in (b"", b"\0" * 20, b'{"text": "ha'):
        (tmp_path / "texts" / "Note_1.01.json").write_bytes(content)
        assert texts.read("01") is None
        assert texts.all() == {"00": "whole"}


def test_values_are_removed(texts: PartitionFiles[str], tmp_path: Path) -> None:
    other = files_of(tmp_path, "Other")
    for partition in ("00", "01", "02"):
        texts.write(partition, "here")
    other.write("00", "here")
    texts.remove("01")
    texts.remove("03")
    assert list(texts.all()) == ["00", "02"]
    texts.remove_all()
    assert texts.all() == {}
    assert other.all() == {"00": "here"}


def test_partitions_are_those_whose_files_are_there(tmp_path: Path) -> None:
    paths = PartitionPaths(tmp_path, "Note_1", "jsonl")
    assert paths.partitions() == []
    for name in ("Note_1.01.jsonl", "Note_1.00.jsonl", "Note_1.02.json", "Other.03.jsonl"):
        (tmp_path / name).touch()
    assert paths.partitions() == ["00", "01"]
    assert paths.path("00").is_file()
