"""Whether a column is a vector, and how its bytes are read; or why one that looks like it is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from weaviate_migration.base.texts import counted
from weaviate_migration.phases.preflight.inference.column_facts import ColumnFacts
from weaviate_migration.phases.preflight.inference.column_words import ColumnWords
from weaviate_migration.phases.preflight.inference.finding import NEARLY_ALL
from weaviate_migration.phases.preflight.inference.vector_facts import DTYPES, VectorFacts

# A vector that neither name nor declaration announces has so many numbers at least, ...
SHORTEST = 8
# ... and a column of them so many in all: a hash or two can look like a vector by chance, many cannot.
_FEWEST_NUMBERS = 64
# Bytes of UUIDs and MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512: vectors only by name or declaration.
_DIGESTS = frozenset([16, 20, 28, 32, 48, 64])
# So many of several lengths are told.
_LENGTHS_SHOWN = 4


@dataclass(frozen=True)
class VectorGuess:
    """Whether a column is a vector.

    Attributes:
        numbers: how the vector is read: `float32`, `float64`, `float16`, `int8`, `json`, or `base64`; None: it is none.
        reason: why, with the figures.
        length: how many numbers it has; None: it is none.
        lengths_differ: whether it is none only because it would have several lengths.
    """

    numbers: str | None
    reason: str
    length: int | None = None
    lengths_differ: bool = False


def vector_in_blobs(words: ColumnWords, facts: VectorFacts) -> VectorGuess:
    """Says how blobs are read as vectors, or what they are instead."""
    if facts.lengths is None:
        return VectorGuess(None, f"blobs of many lengths{_contents(facts)}")
    lengths = {length: count for length, count in facts.lengths.items() if length}
    blobs = sum(lengths.values())
    if not blobs:
        return VectorGuess(None, "empty blobs")
    numbers = _numbers(words, facts, lengths)
    if numbers is None:
        return VectorGuess(None, f"{counted(blobs, 'blob')}: {_told(lengths, 'byte')}{_contents(facts)}")
    size = DTYPES[numbers].itemsize if numbers in DTYPES else 1
    by_numbers = {length // size: count for length, count in lengths.items() if length % size == 0}
    if len(by_numbers) > 1:
        return _several_lengths(by_numbers, numbers)
    ((length, count),) = by_numbers.items()
    why = f"declared {words.declared}" if words.declared_vector is not None else "found out from the values"
    others = f"; {counted(blobs - count, 'other blob')}" if count < blobs else ""
    return VectorGuess(numbers, f"{counted(count, 'vector')} of {length:,} {numbers}s ({why}){others}", length)


def vector_in_texts(words: ColumnWords, facts: ColumnFacts) -> VectorGuess | None:
    """Says how texts are read as vectors, or why they are none though their name says so; None for all others."""
    texts = facts.values - facts.texts.empty
    if sum((facts.texts.base64.lengths or {}).values()) >= NEARLY_ALL * texts > 0:
        found = vector_in_blobs(words, facts.texts.base64)
        return VectorGuess("base64", f"base64: {found.reason}", found.length) if found.numbers == "float32" else None
    lengths = facts.texts.array_lengths
    if not lengths or sum(lengths.values()) < NEARLY_ALL * texts:
        return None
    if not words.names_vector and (min(lengths) < SHORTEST or 2 * facts.fits["int[]"] > texts):
        return None
    if len(lengths) > 1:
        return _several_lengths(lengths, "number") if words.names_vector else None
    ((length, count),) = lengths.items()
    return VectorGuess("json", f"{counted(count, 'JSON array')} of {length:,} numbers", length)


def _numbers(words: ColumnWords, facts: VectorFacts, lengths: Mapping[int, int]) -> str | None:
    """How the bytes are read; None where they are no vectors, or may be something else as well."""
    if _content(facts) is not None:
        return None
    declared = words.declared_vector
    if declared is not None:
        size = DTYPES[declared.numbers].itemsize if declared.numbers in DTYPES else 1
        return declared.numbers if lengths.keys() == {size * declared.length} else None
    numbers = _believable(facts)
    if numbers is None or words.names_vector:
        return numbers
    size = DTYPES[numbers].itemsize
    in_all = sum(length // size * count for length, count in lengths.items())
    is_long = min(lengths) >= SHORTEST * size and not lengths.keys() & _DIGESTS and in_all >= _FEWEST_NUMBERS
    return numbers if is_long and numbers != "float16" else None


def _believable(facts: VectorFacts) -> str | None:
    """The way of reading by which nearly all blobs are vectors that somebody can mean.

    Float32s with 0 in every second place are float64s, if they can be.
    """
    blobs = sum(count for length, count in (facts.lengths or {}).items() if length)
    found = [name for name in DTYPES if facts.believable[name] >= NEARLY_ALL * blobs]
    if found[:2] == ["float32", "float64"] and 2 * facts.every_second_zero > blobs:
        return "float64"
    return found[0] if found else None


def _several_lengths(lengths: Mapping[int, int], item: str) -> VectorGuess:
    most_frequent = max(lengths, key=lambda length: (lengths[length], length))
    reason = (
        f"vectors of several lengths, {_told(lengths, item)}; Weaviate takes one length for each vector: several that "
        f"are made from the column, each with its `length`, part them, such as `length: {most_frequent}`"
    )
    return VectorGuess(None, reason, lengths_differ=True)


def _told(lengths: Mapping[int, int], item: str) -> str:
    """`all of 8 float32s`; `60 of 8 float32s, 40 of 16`, the most frequent first."""
    in_order = sorted(lengths.items(), key=lambda each: (-each[1], each[0]))
    (length, count), *others = in_order[:_LENGTHS_SHOWN]
    told = f"{f'{count:,}' if others else 'all'} of {counted(length, item)}"
    told += "".join(f", {count:,} of {length:,}" for length, count in others)
    return told + (" and other lengths" if len(in_order) > _LENGTHS_SHOWN else "")


def _content(facts: VectorFacts) -> str | None:
    """What nearly all of the blobs say that they are."""
    blobs = sum((facts.lengths or {}).values())
    return next((name for name, count in facts.contents.items() if count >= NEARLY_ALL * blobs), None)


def _contents(facts: VectorFacts) -> str:
    return "".join(f", {count:,} {name}" for name, count in facts.contents.items())
