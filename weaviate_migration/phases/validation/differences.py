"""Where the two sides differ: which object, which property, what was expected and what was found."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal

Kind = Literal["missing", "extra", "altered"]

# All differences are counted; of each kind of report, so many are kept with their values.
SHOWN_DIFFERENCES = 1000
_SHOWN_CHARACTERS = 200
_BEFORE_THE_DIFFERENCE = 40


@dataclass(frozen=True, slots=True)
class Difference:
    """One property or column that does not say what the source says, or an object that is missing or extra.

    Attributes:
        collection: the alias, the name by which readers know it.
        partition: the partition's key.
        key: the row's key as people see it; that of an extra object is what it says of its origin.
        uuid: the object's address; None for a row whose key has a NULL.
        kind: `missing`, `extra` or `altered`.
        property: the property's name, `vector <name>`, or `<provenance>.source_columns.<column>` where the row cannot
            be rebuilt from the object; '' for missing and extra objects.
        expected: what the source holds, as Python shows it; of long values the part where they begin to differ.
        found: what Weaviate holds.
    """

    collection: str
    partition: str
    key: str
    uuid: str | None
    kind: Kind
    property: str
    expected: str
    found: str


_VECTOR = "vector "


def vector_property(name: str) -> str:
    """What stands for a vector where a difference names a property: no property's name has a blank."""
    return f"{_VECTOR}{name}"


def is_vector(prop: str) -> bool:
    """Whether that is what a difference is about."""
    return prop.startswith(_VECTOR)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One property or column that does not say what the row says, or an object missing or extra; values as they are."""

    kind: Kind
    property: str
    expected: Any
    found: Any


def shown(expected: object, found: object) -> tuple[str, str]:
    """Both values as Python shows them; long ones from a little before where they begin to differ."""
    texts = (repr(expected), repr(found))
    if max(map(len, texts)) <= _SHOWN_CHARACTERS:
        return texts
    start = max(0, _shared(*texts) - _BEFORE_THE_DIFFERENCE)
    return _excerpt(texts[0], start), _excerpt(texts[1], start)


def _shared(one: str, other: str) -> int:
    """How many characters the two begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _excerpt(text: str, start: int) -> str:
    part = text[start : start + _SHOWN_CHARACTERS]
    return ("…" if start else "") + part + ("…" if start + _SHOWN_CHARACTERS < len(text) else "")


def difference(found: Disagreement, collection: str, partition: str, key: str, uuid: str | None) -> Difference:
    """A disagreement as it is reported: where it is, and its values as Python shows them."""
    expected, value = shown(found.expected, found.found)
    return Difference(collection, partition, key, uuid, found.kind, found.property, expected, value)
