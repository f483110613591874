"""What it took to make vectors, as lines."""

from collections.abc import Iterator, Mapping

from weaviate_migration.base.texts import counted, seconds_text
from weaviate_migration.base.vector_tally import VectorTally


def vector_lines(made: Mapping[str, Mapping[str, VectorTally]]) -> Iterator[str]:
    """A line for each vector of each collection.

    Args:
        made: by alias, and by vector.
    """
    for alias, vectors in made.items():
        for name, tally in vectors.items():
            yield f"{alias}.{name} by {tally.model}: {_counts(tally)}"


def _counts(tally: VectorTally) -> str:
    """Such as `8,365 texts, 8,000 from the cache, 365 made in 4 calls (12,003 tokens, 3.1 s, 0.000240)`."""
    counts = [counted(tally.texts, "text")]
    if tally.hits:
        counts.append(f"{tally.hits:,} from the cache")
    if tally.calls:
        cost = [counted(tally.tokens, "token")] if tally.tokens else []
        cost += [seconds_text(tally.seconds)]
        cost += [f"price {tally.money:.6f}"] if tally.money else []
        counts.append(f"{tally.misses:,} made in {counted(tally.calls, 'call')} ({', '.join(cost)})")
    if tally.left_out:
        counts.append(f"{tally.left_out:,} without a vector")
    return ", ".join(counts)
