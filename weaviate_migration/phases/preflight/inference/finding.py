"""What is found of a column, and the figures that speak for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from weaviate_migration.base.texts import counted
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts

# So many of the values have to fit where the values alone speak for a type. Where name or declaration speaks for it
# too, more than half have to.
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Found:
    """The fields of a property, but for its name and column; None where the column stays in `source_columns`."""

    fields: dict[str, Any] | None
    reason: str


def holds_most(facts: ColumnFacts, kind: str) -> bool:
    """Whether a property of that kind holds half of the values, or more."""
    return 2 * facts.fits[kind] >= facts.values


def speaks_for(facts: ColumnFacts, fitting: int, *, announced: bool) -> bool:
    """Whether so many fitting values speak for a type: nearly all but empty texts.

    Args:
        announced: whether name or declaration speaks for it too; then most are enough.
    """
    return 2 * fitting > facts.values and (announced or fitting >= NEARLY_ALL * (facts.values - facts.texts.empty))


def held(facts: ColumnFacts, kind: str, fitting: int, why: str, **fields: Any) -> Found:
    """A property of a type that holds so many of the values."""
    others = facts.values - fitting
    rest = f"; {share(others, facts.values, 'value')} {'does' if others == 1 else 'do'} not fit" if others else ""
    return Found({"type": kind, **fields}, why + rest)


def share(count: int, total: int, noun: str) -> str:
    """`all 1,204 rows`, `3 of 1,204 rows`, `1 row`."""
    if count == total:
        return f"all {counted(total, noun)}" if total > 1 else counted(total, noun)
    return f"{count:,} of {counted(total, noun)}"


def listed(words: Sequence[str]) -> str:
    """`t, f or F`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def classes_text(facts: ColumnFacts) -> str:
    """The storage classes of the values: `3 integers, 1 text`."""
    return ", ".join(counted(count, each) for each, count in facts.classes.items() if each != "null")
