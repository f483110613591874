"""The report as a document: headed sections of sentences, tables and charts, whatever they are written as."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "doubtful", "bad"]

_TONES: dict[str, Tone] = {
    **dict.fromkeys(("passed", "success", "cut over", "cleaned up", "identical"), "good"),
    **dict.fromkeys(("warned", "skipped", "never ran", "out of date", "running", "started", "canceled"), "doubtful"),
    **dict.fromkeys(("failed", "failure", "different"), "bad"),
}


class Verdict(str):
    """A word that is shown in the colour of what it means; the word alone says it, too."""

    @property
    def tone(self) -> Tone:
        """The first words decide: `failed, 15/16 partitions`."""
        return _TONES.get(self.partition(",")[0], "doubtful")


Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows under headings; numbers are given as numbers, and shown with separators."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Bars:
    """A bar for each name, with its value."""

    title: str
    unit: str
    values: Mapping[str, float]

    @property
    def alt(self) -> str:
        """The same in words, for readers who do not see it."""
        told = ", ".join(f"{name} {shown(value)}" for name, value in self.values.items())
        return f"{self.title}: {told} ({self.unit})"


@dataclass(frozen=True)
class Lines:
    """A line for each name: pairs of seconds since the beginning, and a value."""

    title: str
    unit: str
    lines: Mapping[str, tuple[tuple[float, float], ...]]

    @property
    def alt(self) -> str:
        """The largest value of each line."""
        told = ", ".join(f"{name} {shown(max(y for _, y in line))}" for name, line in self.lines.items())
        return f"{self.title}, largest values: {told} ({self.unit})"


Chart = Bars | Lines


@dataclass(frozen=True)
class Section:
    """A part of the document.

    Attributes:
        sentences: each a paragraph.
    """

    title: str
    sentences: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Document:
    """The whole.

    Attributes:
        figures: what matters most: a name and a value each.
    """

    title: str
    verdict: Verdict
    summary: str
    figures: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def shown(value: Cell) -> str:
    """A cell as a person reads it: 1,234,567; 1,234.5; 0.25; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"
