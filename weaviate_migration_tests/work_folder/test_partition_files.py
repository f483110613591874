from pathlib import Path

from weaviate_migration.work_folder.partition_files import PartitionPaths


def test_partitions_are_those_whose_files_are_there(tmp_path: Path) -> None:
    paths = PartitionPaths(tmp_path, "Note_1", "jsonl")
    assert paths.partitions() == []
    for name in ("Note_1.01.jsonl", "Note_1.00.jsonl", "Note_1.02.json", "Other.03.jsonl"):
        (tmp_path / name).touch()
    assert paths.partitions() == ["00", "01"]
    assert paths.path("00").is_file()
