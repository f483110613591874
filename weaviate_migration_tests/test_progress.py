from pathlib import Path

from weaviate_migration.progress import SECONDS_BETWEEN_WRITES, Progress, ProgressFile, read_progress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_there_from_the_start(tmp_path: Path) -> None:
    ProgressFile(tmp_path / "progress", "Note", 50)
    assert read_progress(tmp_path / "progress") == [Progress("Note", 50)]


def test_the_file_follows_a_few_times_a_second(tmp_path: Path) -> None:
    clock = Clock()
    progress = ProgressFile(tmp_path, "Note", 50, clock)
    progress.advance(10, refused=1)
    assert read_progress(tmp_path) == [Progress("Note", 50)]
    clock.now += SECONDS_BETWEEN_WRITES
    progress.advance(10, retried=3)
    assert read_progress(tmp_path) == [Progress("Note", 50, handled=20, refused=1, retried=3)]
    progress.advance(5)
    assert read_progress(tmp_path)[0].handled == 20


def test_at_the_end_it_is_up_to_date(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path, "Note", 50, Clock())
    progress.advance(50)
    progress.finish()
    assert read_progress(tmp_path) == [Progress("Note", 50, handled=50)]
    assert [path.name for path in tmp_path.iterdir()] == ["Note.json"]


def test_collections_are_read_by_name(tmp_path: Path) -> None:
    for name in ("Message", "Document"):
        ProgressFile(tmp_path, name, 1)
    assert [each.collection for each in read_progress(tmp_path)] == ["Document", "Message"]
    assert read_progress(tmp_path / "nothing") == []
