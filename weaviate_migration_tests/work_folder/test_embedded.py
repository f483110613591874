"""What it took to make vectors is kept by partition, and added up by vector."""

from pathlib import Path

from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.work_folder.embedded import EmbeddedPartitions
from weaviate_migration.work_folder.state_store import StateStore

NAME = "Note_20261122T093015"
CONTENT = VectorTally(
    model="minilm", dimension=384, texts=10, hits=4, misses=6, calls=1, tokens=120, seconds=0.5, money=0.002
)
TITLE = VectorTally(model="away", left_out=3)


def test_the_partitions_add_up_by_vector(tmp_path: Path) -> None:
    embedded = EmbeddedPartitions(StateStore.of(tmp_path), NAME)
    assert embedded.totals() == {}
    embedded.note("00", {"content": CONTENT, "title": TITLE})
    embedded.note(
        "01", {"content": CONTENT, "title": VectorTally(model="away", dimension=8, texts=1, misses=1, calls=1)}
    )
    found = EmbeddedPartitions(StateStore.of(tmp_path), NAME).totals()
    assert found["content"] == VectorTally(20, 8, 12, 2, 240, 1.0, 0.004, "minilm", 384, 0)
    assert found["title"] == VectorTally(1, 0, 1, 1, model="away", dimension=8, left_out=3)


def test_a_partition_that_is_done_again_counts_once(tmp_path: Path) -> None:
    embedded = EmbeddedPartitions(StateStore.of(tmp_path), NAME)
    embedded.note("00", {"content": CONTENT})
    embedded.note("00", {"content": VectorTally(model="minilm", dimension=384, texts=10, hits=10)})
    assert embedded.totals() == {"content": VectorTally(model="minilm", dimension=384, texts=10, hits=10)}


def test_figures_are_rounded_for_people() -> None:
    figures = VectorTally(model="minilm", dimension=384, seconds=1 / 3, money=2 / 3).figures()
    assert (figures["model"], figures["seconds"], figures["money"]) == ("minilm", 0.333, 0.666667)
