"""What a column becomes, from its declaration and its values: a property, a vector, or nothing; and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.models import VectorMapping
from weaviate_migration.phases.preflight.inference.column_facts import READINGS, ColumnFacts
from weaviate_migration.phases.preflight.inference.column_words import ColumnWords, column_words
from weaviate_migration.phases.preflight.inference.counted import counted
from weaviate_migration.phases.preflight.inference.vector_guess import VectorGuess, vector_in_blobs, vector_in_texts
from weaviate_migration.source.inspect import Column

# So many of the values have to fit where the values alone speak for a type. Where the declaration speaks for it too,
# more than half have to.
NEARLY_ALL = 0.9
# A text up to this length may be one token; texts that are longer than the second on average are not indexed at all.
LONGEST_WHOLE = 1_000
LONGEST_INDEXED = 20_000
# Texts of several words are a choice from a list, not prose, where each is there so many times on average.
REPEATED = 4
# Longer ones are no choice from a list, however often they are repeated.
LONGEST_CHOICE = 100


@dataclass(frozen=True)
class ColumnGuess:
    """What a column becomes.

    Attributes:
        property: None where it stays in `source_columns`, or is a vector.
        vector: None where it is no vector.
        reason: one line, with the figures that it rests on.
    """

    property: PropertyMapping | None
    vector: VectorMapping | None
    reason: str


@dataclass(frozen=True)
class _Found:
    """The fields of a property, but for its name and column; None where the column stays in `source_columns`."""

    fields: dict[str, Any] | None
    reason: str


def guess_column(name: str, column: Column, facts: ColumnFacts, *, is_key: bool) -> ColumnGuess:
    """Says what a column becomes.

    Args:
        name: the property's, or the vector's.
        facts: of all its values.
        is_key: whether it is part of the table's key, or holds keys of another table.
    """
    words = column_words(column)
    vector = _vector(words, facts) if not is_key else None
    if vector is not None and vector.numbers in _VECTORS_READ:
        return ColumnGuess(None, VectorMapping(name=name, column=column.name), vector.reason)
    found = _property(words, facts, is_key=is_key) if vector is None else _Found(None, vector.reason)
    if found.fields is None:
        return ColumnGuess(None, None, f"{found.reason}; stays in source_columns")
    prop = PropertyMapping.model_validate({"name": name, "column": column.name, **found.fields})
    return ColumnGuess(prop, None, found.reason)


# What a vector is made from without a word in the mapping.
_VECTORS_READ = ("float32", "json")


def _vector(words: ColumnWords, facts: ColumnFacts) -> VectorGuess | None:
    """Whether a column is a vector; None for what does not look like one."""
    if 2 * facts.count("blob") > facts.values:
        return vector_in_blobs(words, facts.blobs)
    if 2 * facts.count("text") > facts.values:
        return vector_in_texts(words, facts)
    return None


def _property(words: ColumnWords, facts: ColumnFacts, *, is_key: bool) -> _Found:
    if not facts.values:
        return _by_declaration(words, facts)
    numbers, texts = facts.count("integer", "real"), facts.count("text")
    if is_key:
        found = _key(words, facts)
    elif texts >= numbers:
        found = _text(words, facts)
    else:
        found = _number(words, facts)
    return found or _Found(None, f"no type fits most of its values: {_classes(facts)}")


def _by_declaration(words: ColumnWords, facts: ColumnFacts) -> _Found:
    """A column without any value."""
    declared = f"declared {words.declared}" if words.declared else "without a declared type"
    why = f"no value in {counted(facts.rows, 'row')}, {declared}"
    if words.declares_boolean:
        return _Found({"type": "boolean"}, why)
    if words.declares_date:
        return _Found({"type": "date"}, why)
    if words.declares_int:
        return _Found({"type": "int"}, why)
    if words.declares_uuid and "uuid" in READINGS:
        return _Found({"type": "uuid"}, why)
    if words.declares_blob or words.declared_vector is not None:
        return _Found(None, why)
    if words.declares_number or words.declares_decimal:
        return _Found({"type": "number"}, why)
    return _Found({"type": "text", "index": "stored" if words.declares_json else "whole"}, why)


def _key(words: ColumnWords, facts: ColumnFacts) -> _Found | None:
    """Keys stay what they are: an integer that could be a date is none."""
    if (uuid := _uuid(words, facts)) is not None:
        return uuid
    if _holds_most(facts, "text"):
        longest = facts.texts.longest
        index = "whole" if longest <= LONGEST_WHOLE else "stored"
        return _held(facts, "text", f"a key, {_characters(longest)} at most", index=index)
    if _holds_most(facts, "int") and not facts.count("real"):
        return _held(facts, "int", f"a key, {_integers(facts)}")
    return _held(facts, "number", f"a key, {_classes(facts)}") if _holds_most(facts, "number") else None


def _text(words: ColumnWords, facts: ColumnFacts) -> _Found | None:
    for found in (_uuid(words, facts), _date(words, facts), _array(words, facts)):
        if found is not None:
            return found
    if not _holds_most(facts, "text"):
        return None
    index, why = _index(facts)
    return _held(facts, "text", why, index=index)


def _uuid(words: ColumnWords, facts: ColumnFacts) -> _Found | None:
    if "uuid" in READINGS and _fits(facts, "uuid", declared=words.declares_uuid):
        return _held(facts, "uuid", f"{_of_values(facts, 'uuid')} UUIDs")
    return None


def _date(words: ColumnWords, facts: ColumnFacts) -> _Found | None:
    if _fits(facts, "date", declared=words.declares_date):
        return _held(facts, "date", f"{_of_values(facts, 'date')} dates as text")
    return None


# In this order: each is a special case of a later one, or has nothing in common with it but empty arrays.
_ARRAYS = {
    "date[]": ("dates", {}),
    "text[]": ("texts", {"index": "whole"}),
    "boolean[]": ("booleans", {}),
    "int[]": ("integers", {}),
    "number[]": ("numbers", {}),
}


def _array(words: ColumnWords, facts: ColumnFacts) -> _Found | None:
    """JSON arrays of one type; where all are empty, of texts."""
    fitting = {kind: facts.fits[kind] for kind in _ARRAYS if kind in READINGS}
    if "text[]" in fitting and len(set(fitting.values())) == 1:
        fitting = {"text[]": fitting["text[]"]}
    for kind in sorted(fitting, key=lambda kind: -fitting[kind]):
        if _fits(facts, kind, declared=words.declares_json):
            items, fields = _ARRAYS[kind]
            return _held(facts, kind, f"{_of_values(facts, kind)} JSON arrays of {items}", **fields)
    return None


def _index(facts: ColumnFacts) -> tuple[str, str]:
    """How a text is indexed, and why."""
    of_texts, texts = facts.texts, facts.count("text")
    longest, average = _characters(of_texts.longest), of_texts.characters / texts
    if of_texts.json >= NEARLY_ALL * max(texts - of_texts.empty, 1):
        return "stored", f"{of_texts.json:,} of {counted(texts, 'text')} JSON, {longest} at most"
    if average > LONGEST_INDEXED:
        return "stored", f"very long, {average:,.0f} characters on average"
    different = of_texts.different
    if different is not None and of_texts.longest <= LONGEST_CHOICE and len(different) * REPEATED <= texts:
        values = counted(len(different), "different value")
        return "whole", f"{values} in {counted(facts.rows, 'row')}, {longest} at most"
    if of_texts.longest <= LONGEST_WHOLE and of_texts.several_words <= (1 - NEARLY_ALL) * texts:
        return "whole", f"single words, {longest} at most"
    several = f"{of_texts.several_words:,} of {counted(texts, 'text')} with several words"
    return "words", f"{several}, {average:,.0f} characters on average"


def _number(words: ColumnWords, facts: ColumnFacts) -> _Found | None:
    if (words.declares_boolean or words.names_boolean) and _fits(facts, "boolean", declared=words.declares_boolean):
        why = f"declared {words.declared}" if words.declares_boolean else "by its name and values"
        return _held(facts, "boolean", f"{why}, {_of_values(facts, 'boolean')} 0 or 1")
    hints = list(_moments(facts))
    for hint in hints:
        if hint.date_format is not None and (words.declares_date or words.names_date):
            outside = facts.values - hint.count
            rest = f"; {outside:,} of {counted(facts.values, 'value')} outside of 2000 to 2100" if outside else ""
            return _Found({"type": "date", "date_format": hint.date_format}, f"{hint.words}{rest}")
    kind, figures = ("number", _classes(facts)) if facts.count("real") else ("int", _integers(facts))
    hint_words = "".join(f"; could be {hint.words}" for hint in hints)
    if not _holds_most(facts, kind):
        return _Found(None, f"{figures}, most of them beyond what Weaviate holds exactly{hint_words}")
    return _held(facts, kind, figures + hint_words)


@dataclass(frozen=True)
class _Moments:
    """Numbers that can be moments.

    Attributes:
        date_format: what reads them; None where nothing does.
        words: what they would be.
        count: how many are in the range.
    """

    date_format: str | None
    words: str
    count: int


_MOMENTS = {
    "epoch_seconds": ("epoch_seconds", "seconds since 1970"),
    "epoch_milliseconds": ("epoch_milliseconds", "milliseconds since 1970"),
    "epoch_microseconds": (None, "microseconds since 1970"),
    "epoch_nanoseconds": (None, "nanoseconds since 1970"),
    "webkit": (None, "microseconds since 1601, as Chrome writes them, which no date_format reads"),
    "julian_day": (None, "Julian days, which no date_format reads"),
}


def _moments(facts: ColumnFacts) -> Iterator[_Moments]:
    """What most of the numbers, and nearly all that are not 0, can count."""
    others = facts.count("integer", "real") - facts.numbers.zeros
    for name, (date_format, words) in _MOMENTS.items():
        count = facts.numbers.ranges[name]
        if 2 * count > facts.values and count >= NEARLY_ALL * others:
            yield _Moments(date_format, words, count)


def _holds_most(facts: ColumnFacts, kind: str) -> bool:
    return 2 * facts.fits[kind] >= facts.values


def _fits(facts: ColumnFacts, kind: str, *, declared: bool) -> bool:
    """Whether values speak for that kind of property: nearly all but empty texts, or most where it is declared."""
    fitting = facts.fits[kind]
    return 2 * fitting > facts.values and (declared or fitting >= NEARLY_ALL * (facts.values - facts.texts.empty))


def _held(facts: ColumnFacts, kind: str, why: str, **fields: str) -> _Found:
    """A property of a type, with how many values it cannot hold."""
    others = facts.values - facts.fits[kind]
    rest = f"; {others:,} of {counted(facts.values, 'value')} do not fit" if others else ""
    return _Found({"type": kind, **fields}, why + rest)


def _of_values(facts: ColumnFacts, kind: str) -> str:
    return "all" if facts.fits[kind] == facts.values else f"{facts.fits[kind]:,} of {counted(facts.values, 'value')}"


def _integers(facts: ColumnFacts) -> str:
    smallest, largest = facts.numbers.smallest, facts.numbers.largest
    return f"always {smallest:,}" if smallest == largest else f"integers from {smallest:,} to {largest:,}"


def _characters(count: int) -> str:
    return counted(count, "character")


def _classes(facts: ColumnFacts) -> str:
    """The storage classes of the values: `3 integers, 1 text`."""
    return ", ".join(counted(count, each) for each, count in facts.classes.items() if each != "null")
