"""What every provider of embeddings is, wherever its model runs: texts in, rows of float32 out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weaviate_migration.base.errors import EmbeddingError

MODEL_HINT = "Look at the model itself: whatever is embedded by it would be wrong."


@dataclass(frozen=True)
class Embedded:
    """What one call of a provider gave.

    Attributes:
        vectors: a row for each text, in their order, finite in each number.
        tokens: how many the texts had, as far as they were embedded; None where nobody counts them.
    """

    vectors: NDArray[np.float32]
    tokens: int | None = None


class EmbeddingProvider(Protocol):
    """A model that makes vectors of texts; several threads may use it at once."""

    @property
    def name(self) -> str:
        """What people know the model by, for messages and reports."""

    @property
    def dimension(self) -> int | None:
        """How many numbers a vector has; None where that is known after the first call only."""

    @property
    def digest(self) -> str:
        """Another one where the same text could get other numbers: of the model's files, and of where it cuts."""

    @property
    def batch(self) -> int:
        """How many texts one call of `embed` has at most; of a service, it is one request."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of some texts, each cut where the model ends, or where the mapping says.

        Raises:
            EmbeddingError: they could not be made; a `TransientEmbeddingError` where that may pass.
        """

    def tokens(self, texts: Sequence[str]) -> list[int] | None:
        """How many tokens each text has, as far as it is embedded; None where nobody counts them without a call."""

    def close(self) -> None:
        """Gives back what it holds."""


def checked_rows(rows: ArrayLike, count: int, dimension: int | None, name: str) -> NDArray[np.float32]:
    """What a model gave, as rows of float32; one thing that is wrong with it, and none of it is used.

    Args:
        count: how many texts there were.
        dimension: how many numbers each row has; None: as many as the first.
        name: the model's.

    Raises:
        EmbeddingError: other rows than that, or numbers that are not finite.
    """
    try:
        with np.errstate(over="ignore"):
            found = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbeddingError(f"the model {name} gave no rows of numbers of one length", MODEL_HINT) from error
    if found.ndim != 2 or len(found) != count or not found.shape[1]:
        raise EmbeddingError(
            f"the model {name} gave numbers of the shape {found.shape} for {count:,} texts", MODEL_HINT
        )
    if dimension is not None and found.shape[1] != dimension:
        raise EmbeddingError(
            f"the model {name} gave {found.shape[1]:,} numbers for a text, and not {dimension:,}", MODEL_HINT
        )
    if not np.isfinite(found).all():
        raise EmbeddingError(f"the model {name} gave numbers that are not finite (NaN, infinity)", MODEL_HINT)
    return found
