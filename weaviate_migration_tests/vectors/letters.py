"""A small model of the project's own, as an application may have one: how often each letter stands in a text."""

import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from weaviate_migration.vectors.provider import Embedded


@dataclass
class LetterModel:
    """Counts letters, and notes each text that it is asked for.

    Attributes:
        asked: the texts of each call.
        counts_tokens: whether anybody can, on this machine.
        note: a file that gets a line for each text as well: for tests of several processes.
    """

    batch: int = 4
    digest: str = "letters-1"
    note: Path | None = None
    counts_tokens: bool = True
    asked: list[list[str]] = field(default_factory=list)
    name: str = "letters"
    dimension: int | None = len(string.ascii_lowercase)

    def embed(self, texts: Sequence[str]) -> Embedded:
        self.asked.append(list(texts))
        if self.note is not None:
            with self.note.open("a", encoding="utf-8") as file:
                file.write("".join(f"{text}\n" for text in texts))
        rows = [[text.count(letter) for letter in string.ascii_lowercase] for text in texts]
        counts = self.tokens(texts)
        return Embedded(np.array(rows, dtype=np.float32), None if counts is None else sum(counts))

    def tokens(self, texts: Sequence[str]) -> list[int] | None:
        return [len(text.split()) for text in texts] if self.counts_tokens else None

    def close(self) -> None:
        pass
