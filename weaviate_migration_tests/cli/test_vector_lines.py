"""What it took to make vectors, in words."""

from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.cli.show.vector_lines import vector_lines


def test_one_of_a_kind_is_told_as_one() -> None:
    one = VectorTally(model="m", texts=1, misses=1, calls=1, tokens=1, seconds=0.5)
    two = VectorTally(model="m", texts=2, misses=2, calls=2, tokens=2, seconds=0.5)
    assert list(vector_lines({"Note": {"one": one, "two": two}})) == [
        "Note.one by m: 1 text, 1 made in 1 call (1 token, 0.50 s)",
        "Note.two by m: 2 texts, 2 made in 2 calls (2 tokens, 0.50 s)",
    ]
