"""A provider of a project's own, which it has as an entry point, the way of Python's packages to offer something."""

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Protocol

from numpy.typing import ArrayLike

from weaviate_migration.base.errors import ConfigurationError, EmbeddingError, MigrationError
from weaviate_migration.vectors.provider import Embedded, checked_rows

GROUP = "weaviate_migration.embedding_providers"
TEXTS_IN_A_CALL = 256


class OwnModel(Protocol):
    """What the callable behind the entry point returns, when it is called with `max_tokens`.

    Attributes:
        digest: another one where the same text could get other numbers: vectors are kept by it, and not made again.
    """

    digest: str

    def embed(self, texts: Sequence[str]) -> ArrayLike:
        """A row of numbers for each text, in their order.

        Raises:
            TransientEmbeddingError: it may work when it is tried again.
        """


class EntryPointModel:
    """A project's own model.

    Args:
        name: of the entry point, in the group `weaviate_migration.embedding_providers`.
        max_tokens: is handed on to the project's callable, `None` where the mapping says nothing.

    Raises:
        ConfigurationError: there is no such entry point, or what it leads to fails or is no model.
    """

    batch = TEXTS_IN_A_CALL
    dimension: int | None = None

    def __init__(self, name: str, max_tokens: int | None) -> None:
        self.name = name
        self._model = _own_model(name, max_tokens)
        # The numbers are those of the project's model: two of them may well call their digest `1`.
        self.digest = f"{name}: {self._model.digest}"

    def embed(self, texts: Sequence[str]) -> Embedded:
        """The vectors of some texts.

        Raises:
            EmbeddingError: the model fails, or gives what is none.
        """
        try:
            rows = self._model.embed(texts)
        except MigrationError:
            raise
        except Exception as error:  # It is somebody else's code.
            raise EmbeddingError(
                f"the model {self.name} failed: {type(error).__name__}: {error}",
                f"It is the project's own, the entry point {self.name} of the group {GROUP}.",
            ) from error
        return Embedded(checked_rows(rows, len(texts), self.dimension, self.name))

    def tokens(self, texts: Sequence[str]) -> None:  # noqa: ARG002
        """Nobody counts them."""
        return

    def close(self) -> None:
        """Ends with the process."""


def _own_model(name: str, max_tokens: int | None) -> OwnModel:
    found = entry_points(group=GROUP)
    if name not in found.names:
        others = ", ".join(sorted(found.names)) or "none"
        raise ConfigurationError(
            f"no installed package has the entry point {name} in the group {GROUP}; there are: {others}",
            "Install the package that has it in this environment, or correct `entry_point` in the mapping.",
        )
    try:
        model: OwnModel = found[name].load()(max_tokens=max_tokens)
        is_model = isinstance(model.digest, str) and callable(model.embed)
    except Exception as error:  # It is somebody else's code.
        raise ConfigurationError(
            f"the entry point {name} gives no model: {type(error).__name__}: {error}",
            "It has to be callable with `max_tokens`, and to return what has a `digest` and `embed(texts)`.",
        ) from error
    if not is_model:
        raise ConfigurationError(f"the digest of the model of the entry point {name} is no text", "Make it one.")
    return model
