"""What vectors have cost: counted where they are made, added up where they are shown."""

from dataclasses import dataclass, fields


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

    def __add__(self, other: "EmbeddingTally") -> "EmbeddingTally":
        """Both together."""
        return EmbeddingTally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def money_of(tokens: int, price_per_million_tokens: float | None) -> float:
    """What tokens cost."""
    return tokens * (price_per_million_tokens or 0.0) / 1_000_000
