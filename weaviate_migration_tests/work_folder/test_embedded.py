"""What it took to make vectors is kept by partition, and added up by vector."""

from pathlib import Path

from weaviate_migration.work_folder.embedded import EmbeddedPartitions, VectorTally

NAME = "Note_20261122T093015"
CONTENT = VectorTally("minilm", 384, texts=10, hits=4, misses=6, calls=1, tokens=120, seconds=0.5, money=0.002)
TITLE = VectorTally("away", None, left_out=3)


def test_the_partitions_add_up_by_vector(tmp_path: Path) -> None:
    embedded = EmbeddedPartitions(tmp_path, NAME)
    assert embedded.totals() == {}
    embedded.note("00", {"content": CONTENT, "title": TITLE})
    embedded.note("01", {"content": CONTENT, "title": VectorTally("away", 8, texts=1, misses=1, calls=1)})
    found = EmbeddedPartitions(tmp_path, NAME).totals()
    assert found["content"] == VectorTally("minilm", 384, 20, 0, 8, 12, 2, 240, 1.0, 0.004)
    assert found["title"] == VectorTally("away", 8, 1, 3, 0, 1, 1)


def test_a_partition_that_is_done_again_counts_once(tmp_path: Path) -> None:
    embedded = EmbeddedPartitions(tmp_path, NAME)
    embedded.note("00", {"content": CONTENT})
    embedded.note("00", {"content": VectorTally("minilm", 384, texts=10, hits=10)})
    assert embedded.totals() == {"content": VectorTally("minilm", 384, texts=10, hits=10)}


def test_figures_are_rounded_for_people() -> None:
    figures = VectorTally("minilm", 384, seconds=1 / 3, money=2 / 3).figures()
    assert (figures["model"], figures["seconds"], figures["money"]) == ("minilm", 0.333, 0.666667)
