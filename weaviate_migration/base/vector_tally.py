"""What vectors have cost: counted where they are made, added up where they are shown."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self


@dataclass(frozen=True)
class EmbeddingTally:
    """What was asked of a model, and what of it was in the cache already.

    Attributes:
        texts: that were to become vectors.
        hits: of these, those that cost nothing: they were in the cache, or came twice.
        misses: of these, those that the model was asked for.
        calls: requests to the model.
        tokens: that it has counted; 0 where nobody counts them.
        seconds: that the calls took.
        money: what the tokens cost, in the currency of the price in the mapping; 0 where none is named.
    """

    texts: int = 0
    hits: int = 0
    misses: int = 0
    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0

    def __add__(self, other: "EmbeddingTally") -> Self:
        """Both together."""
        names = [each.name for each in fields(EmbeddingTally)]
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True)
class VectorTally(EmbeddingTally):
    """What became of the texts of one vector.

    Attributes:
        model: its name, for people.
        dimension: numbers in a vector; None where no vector was made yet that would tell.
        left_out: texts that have no vector, since the model was away; `texts` are those that have one now.
    """

    model: str = ""
    dimension: int | None = None
    left_out: int = 0

    def __add__(self, other: "VectorTally") -> Self:  # type: ignore[override]  # of vectors only
        """Both together: of several partitions, or of several vectors."""
        both = super().__add__(other)
        left_out = self.left_out + other.left_out
        return replace(both, dimension=self.dimension or other.dimension, left_out=left_out)

    def figures(self) -> dict[str, Any]:
        """As plain values, rounded for people: model and dimension first."""
        rounded = {"seconds": round(self.seconds, 3), "money": round(self.money, 6)}
        return {"model": self.model, "dimension": self.dimension} | asdict(self) | rounded


def money_of(tokens: int, price_per_million_tokens: float | None) -> float:
    """What tokens cost."""
    return tokens * (price_per_million_tokens or 0.0) / 1_000_000
