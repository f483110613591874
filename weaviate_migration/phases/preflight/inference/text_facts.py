"""What the texts of a column are, slice by slice."""

import re
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from weaviate_migration.mapping.json_values import parse_json
from weaviate_migration.phases.preflight.inference.vector_facts import LARGEST, VectorFacts, VectorReading

# So many different texts are told apart, and only up to this length: what is longer is no choice from a list.
DISTINCT_TEXTS = 1_000
DISTINCT_LENGTH = 256
# What is longer is read neither as JSON nor as anything else: it is no date, and a document takes ten times its length.
LONGEST_READ = 2_000_000
# JSON arrays are of so many lengths at most where the lengths are told.
MOST_ARRAY_LENGTHS = 32

# Where the second word of a text begins, if it has one, is seen in so many characters; languages that put no blanks
# between words have texts longer than the second, and their letters are not of ASCII.
_BEGINNING = 200
_LONGEST_WORD = 40

# As many characters as 16 bytes need; what is shorter is no vector, or cannot be told from a word.
_SHORTEST_BASE64 = 24
_JSON_HEADS = frozenset("[{ \t\r\n")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{22,}={0,2}").fullmatch
_HEX = re.compile(r"[0-9a-fA-F]+").fullmatch


@dataclass(frozen=True)
class TextFacts:
    """What the texts of a column are.

    Attributes:
        longest: the characters of the longest.
        characters: those of all.
        several_words: how many have more than one word.
        empty: how many have no character but blanks.
        digits: how many have no character but digits.
        different: how often each different one is there; None if they are more than `DISTINCT_TEXTS`, or one is longer
            than `DISTINCT_LENGTH`.
        json: how many are JSON objects or arrays.
        array_lengths: of the JSON arrays of numbers up to a million, how many have each length; None if they have more
            lengths than `MOST_ARRAY_LENGTHS`.
        base64: what the texts that are base64 hold.
    """

    longest: int
    characters: int
    several_words: int
    empty: int
    digits: int
    different: Mapping[str, int] | None
    json: int
    array_lengths: Mapping[int, int] | None
    base64: VectorFacts


@dataclass
class TextReading:
    """Reads the texts of one column."""

    _longest: int = 0
    _characters: int = 0
    _several_words: int = 0
    _empty: int = 0
    _digits: int = 0
    _different: Counter[str] | None = field(default_factory=Counter)
    _json: int = 0
    _array_lengths: Counter[int] | None = field(default_factory=Counter)
    _base64: VectorReading = field(default_factory=VectorReading)

    def add(self, counts: Mapping[str, int]) -> None:
        """Looks at the texts in one slice, each of which is there so many times."""
        longest = max(map(len, counts))
        self._longest = max(self._longest, longest)
        self._characters += sum([len(text) * count for text, count in counts.items()])
        self._several_words += sum([count for text, count in counts.items() if _has_several_words(text)])
        self._empty += sum([count for text, count in counts.items() if not text or text.isspace()])
        self._digits += sum([count for text, count in counts.items() if text.isdecimal()])
        if self._different is not None:
            self._different.update(counts)
            if longest > DISTINCT_LENGTH or len(self._different) > DISTINCT_TEXTS:
                self._different = None
        for text, count in counts.items():
            if text[:1] in _JSON_HEADS and len(text) <= LONGEST_READ:
                self._add_json(text, count)
        if longest >= _SHORTEST_BASE64:
            self._base64.add([data for text in counts if (data := _decoded(text)) for _ in range(counts[text])])

    def _add_json(self, text: str, count: int) -> None:
        document = parse_json(text)
        if isinstance(document, dict | list):
            self._json += count
        if _are_numbers(document):
            self._add_array_length(len(document), count)

    def _add_array_length(self, length: int, count: int) -> None:
        if self._array_lengths is not None:
            self._array_lengths[length] += count
            if len(self._array_lengths) > MOST_ARRAY_LENGTHS:
                self._array_lengths = None

    def facts(self) -> TextFacts:
        """What was found so far."""
        return TextFacts(
            longest=self._longest,
            characters=self._characters,
            several_words=self._several_words,
            empty=self._empty,
            digits=self._digits,
            different=None if self._different is None else dict(sorted(self._different.items())),
            json=self._json,
            array_lengths=None if self._array_lengths is None else dict(sorted(self._array_lengths.items())),
            base64=self._base64.facts(),
        )


def _are_numbers(document: Any) -> bool:
    """Whether it is an array of numbers that somebody can mean, at least one."""
    if not isinstance(document, list) or not document or set(map(type, document)) != {float}:
        return False
    return bool(max(map(abs, document)) <= LARGEST["float32"])


def _has_several_words(text: str) -> bool:
    if not text.isascii() and len(text) > _LONGEST_WORD:
        return True
    return len(text[:_BEGINNING].split(None, 1)) > 1


def _decoded(text: str) -> bytes | None:
    """What a text in base64 holds; None for one that is none, or can as well be digits of another kind."""
    if len(text) % 4 or not _SHORTEST_BASE64 <= len(text) <= LONGEST_READ or not _BASE64(text) or _HEX(text):
        return None
    return b64decode(text)
