"""What a column becomes, from its declaration and its values: a property, a vector, or nothing; and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from weaviate_migration.mapping import PropertyMapping
from weaviate_migration.mapping.models import VectorMapping
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts
from weaviate_migration.source.inspect import Column

# Of the values that say something so many have to fit where only the values speak for a type; where the declaration
# speaks for it too, more than half of all.
NEARLY_ALL = 0.9
# A text up to this length may be indexed as one token; texts longer than the second on average are not indexed.
LONGEST_WHOLE = 1_000
LONGEST_INDEXED = 20_000
# Texts with blanks are a list of choices, not prose, where each is there so many times on average.
REPEATED = 4


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
class _Finding:
    """The fields of a property, but for name and column; None: no property."""

    fields: Mapping[str, Any] | None
    reason: str


def guess_column(name: str, column: Column, facts: ColumnFacts, *, is_key: bool) -> ColumnGuess:
    """Says what a column becomes.

    Args:
        name: the property's or the vector's.
        facts: of all its values.
        is_key: whether it is part of the table's key, or holds keys of another table.
    """
    finding = _by_declaration(column, facts) if not facts.values else _by_values(column, facts, is_key=is_key)
    prop = None
    if finding.fields is not None:
        prop = PropertyMapping.model_validate({"name": name, "column": column.name, **finding.fields})
    return ColumnGuess(prop, None, finding.reason)


_DECLARED_BOOLEAN = re.compile(r"\s*(bool(ean)?|bit|tinyint\s*\(\s*1\s*\))\s*", re.IGNORECASE).fullmatch
_DECLARED_DATE = re.compile(r"\b(date|datetime|timestamp|datetimeoffset|timestamptz)", re.IGNORECASE).search
_DECLARED_INT = re.compile("int|serial", re.IGNORECASE).search
_DECLARED_NUMBER = re.compile("real|floa|doub|dec|num|money", re.IGNORECASE).search
_DECLARED_BLOB = re.compile("blob|binary|bytea|image", re.IGNORECASE).search
_DECLARED_JSON = re.compile("json", re.IGNORECASE).search


def _by_declaration(column: Column, facts: ColumnFacts) -> _Finding:
    declared = column.declared_type
    why = f"no value in {_rows(facts)}; " + (f"declared {declared}" if declared else "no declared type")
    fields: dict[str, Any] | None
    if _DECLARED_BOOLEAN(declared):
        fields = {"type": "boolean"}
    elif _DECLARED_DATE(declared):
        fields = {"type": "date"}
    elif _DECLARED_INT(declared):
        fields = {"type": "int"}
    elif _DECLARED_BLOB(declared):
        fields = None
        why += "; stays in source_columns"
    elif _DECLARED_NUMBER(declared):
        fields = {"type": "number"}
    else:
        fields = {"type": "text", "index": "stored" if _DECLARED_JSON(declared) else "whole"}
    return _Finding(fields, why)


def _by_values(column: Column, facts: ColumnFacts, *, is_key: bool) -> _Finding:
    numbers, texts, blobs = facts.count("integer", "real"), facts.count("text"), facts.count("blob")
    if blobs > max(numbers, texts):
        return _Finding(None, f"{blobs:,} blobs in {_rows(facts)} stay in source_columns")
    if texts >= numbers:
        return _text(column, facts, is_key=is_key)
    return _number(column, facts, is_key=is_key)


def _text(column: Column, facts: ColumnFacts, *, is_key: bool) -> _Finding:
    if not is_key and _fit(facts, "date", declared=_DECLARED_DATE(column.declared_type) is not None):
        return _held({"type": "date"}, "dates as text", facts, "date")
    if 2 * facts.fits["text"] < facts.values:
        return _Finding(None, f"stays in source_columns: no kind of property holds most of its values ({_told(facts)})")
    index, why = _index(facts, is_key=is_key)
    return _held({"type": "text", "index": index}, why, facts, "text")


def _index(facts: ColumnFacts, *, is_key: bool) -> tuple[str, str]:
    """How a text is indexed, and why."""
    texts = facts.count("text")
    average = facts.characters / texts
    longest = f"{facts.longest:,} characters at most"
    if is_key and facts.longest <= LONGEST_WHOLE:
        return "whole", f"a key; {longest}"
    if average > LONGEST_INDEXED:
        return "stored", f"very long: {average:,.0f} characters on average"
    if facts.longest <= LONGEST_WHOLE:
        if facts.texts is not None and len(facts.texts) * REPEATED <= texts:
            return "whole", f"{len(facts.texts):,} different values in {_rows(facts)}, {longest}"
        if facts.spaced <= (1 - NEARLY_ALL) * texts:
            return "whole", f"without blanks, {longest}"
    return "words", f"{facts.spaced:,} of {texts:,} texts with blanks, {average:,.0f} characters on average"


def _number(column: Column, facts: ColumnFacts, *, is_key: bool) -> _Finding:
    declared = column.declared_type
    if not is_key and _DECLARED_BOOLEAN(declared) and _fit(facts, "boolean", declared=True):
        return _held({"type": "boolean"}, f"0 and 1, declared {declared}", facts, "boolean")
    if not is_key and (fmt := _epoch(column, facts)) is not None:
        return _Finding({"type": "date", "date_format": fmt}, f"{fmt.replace('_', ' ')}: {_told(facts)}")
    kind = "number" if facts.count("real") else "int"
    if 2 * facts.fits[kind] < facts.values:
        return _Finding(None, f"stays in source_columns: no kind of property holds most of its values ({_told(facts)})")
    return _held({"type": kind}, _told(facts), facts, kind)


_DATE_NAMES = frozenset(
    ["at", "date", "datetime", "time", "timestamp", "ts", "created", "updated", "modified", "deleted", "expires"]
)


def _epoch(column: Column, facts: ColumnFacts) -> str | None:
    """The format of dates that numbers are, by range, and by name or declaration."""
    if not (_DECLARED_DATE(column.declared_type) or _words(column.name) & _DATE_NAMES):
        return None
    numbers = facts.count("integer", "real") - facts.zeros
    for fmt in ("epoch_seconds", "epoch_milliseconds"):
        if 2 * facts.ranges[fmt] > facts.values and facts.ranges[fmt] >= NEARLY_ALL * numbers:
            return fmt
    return None


def _words(name: str) -> frozenset[str]:
    """The words of a name, in small letters: `createdAt` and `CREATED_AT` have created and at."""
    return frozenset(each.lower() for each in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+", name))


def _fit(facts: ColumnFacts, kind: str, *, declared: bool) -> bool:
    """Whether values speak for that kind of property: nearly all of them, or most where it is declared."""
    fitting = facts.fits[kind]
    return 2 * fitting > facts.values and (declared or fitting >= NEARLY_ALL * (facts.values - facts.empty))


def _held(fields: Mapping[str, Any], why: str, facts: ColumnFacts, kind: str) -> _Finding:
    """A property, with how many values it cannot hold."""
    others = facts.values - facts.fits[kind]
    return _Finding(MappingProxyType(fields), why + (f"; {others:,} of {facts.values:,} do not fit" if others else ""))


_PLURALS = {"integer": "integers", "real": "reals", "text": "texts", "blob": "blobs"}


def _told(facts: ColumnFacts) -> str:
    """The storage classes of the values: `3 integers, 1 text`."""
    return ", ".join(
        f"{count:,} {each if count == 1 else _PLURALS[each]}" for each, count in facts.classes.items() if each != "null"
    )


def _rows(facts: ColumnFacts) -> str:
    return "1 row" if facts.rows == 1 else f"{facts.rows:,} rows"
