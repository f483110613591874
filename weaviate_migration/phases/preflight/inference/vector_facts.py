"""Whether the blobs of a column are vectors, and how their bytes are read: found out from the numbers they would be."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

# A column whose blobs have more lengths than this holds no vectors.
MOST_LENGTHS = 32
# No number of a vector is larger than the first, and one at least is as large as the second. Numbers that are read from
# a hash, a picture or anything compressed are larger, NaN, or so small that nobody means them, as often as not.
LARGEST = {"float32": 1e6, "float64": 1e6, "float16": 1e3}
_SMALLEST_LARGEST = 1e-3
# But for so many in a hundred, they are 0 or no smaller than this.
_PLAIN = 0.99
_SMALLEST_PLAIN = {"float32": 1e-10, "float64": 1e-20, "float16": 1e-5}

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "float16": np.dtype("<f2"),
}
# Weaviate takes no vector of more numbers (65,535), and a float64 has 8 bytes.
_LONGEST = 65_535 * 8
# Blobs are looked at so many bytes at a time.
_BLOCK = 4 * 1024 * 1024

# How files begin that applications put into blobs, and what they are.
_CONTENTS = {
    b"\x89PNG": "PNG pictures",
    b"\xff\xd8\xff": "JPEG pictures",
    b"GIF8": "GIF pictures",
    b"RIFF": "RIFF files, such as WebP pictures",
    b"%PDF": "PDF documents",
    b"PK\x03\x04": "ZIP files",
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\x78\x01": "compressed by zlib",
    b"\x78\x5e": "compressed by zlib",
    b"\x78\x9c": "compressed by zlib",
    b"\x78\xda": "compressed by zlib",
    b"\x80\x02": "pickles of Python",
    b"\x80\x03": "pickles of Python",
    b"\x80\x04\x95": "pickles of Python",
    b"\x80\x05\x95": "pickles of Python",
    b"\x93NUMPY": "files of NumPy",
    b"bplist": "property lists of Apple",
    b"SQLite format 3": "SQLite files",
}
_CONTENT = re.compile(b"|".join(re.escape(magic) for magic in _CONTENTS)).match


@dataclass(frozen=True)
class VectorFacts:
    """What the blobs of a column are.

    Attributes:
        lengths: how many have each length in bytes; None if they have more lengths than `MOST_LENGTHS`.
        believable: how many are vectors that somebody can mean, for each way of reading; as float16s only what is none
            otherwise is read.
        every_second_zero: of those believable as float32s, how many have 0 in every place with an even number: the
            lower halves of float64s that are whole, or were float32s.
        contents: what the first bytes say that they are, and of how many.
    """

    lengths: Mapping[int, int] | None
    believable: Mapping[str, int]
    every_second_zero: int
    contents: Mapping[str, int]


@dataclass
class VectorReading:
    """Reads the blobs of one column."""

    _lengths: Counter[int] | None = field(default_factory=Counter)
    _believable: Counter[str] = field(default_factory=Counter)
    _every_second_zero: int = 0
    _contents: Counter[str] = field(default_factory=Counter)

    def add(self, blobs: Sequence[bytes]) -> None:
        """Looks at the blobs in one slice."""
        for magic, count in Counter([found[0] for blob in blobs if (found := _CONTENT(blob))]).items():
            self._contents[_CONTENTS[magic]] += count
        if self._lengths is None:
            return
        by_length: dict[int, list[bytes]] = defaultdict(list)
        for blob in blobs:
            by_length[len(blob)].append(blob)
        self._lengths.update({length: len(alike) for length, alike in by_length.items()})
        if len(self._lengths) > MOST_LENGTHS:
            self._lengths = None
            return
        for length, alike in by_length.items():
            if 0 < length <= _LONGEST:
                self._add_alike(length, alike)

    def _add_alike(self, length: int, blobs: Sequence[bytes]) -> None:
        """Looks at blobs of one length, as many at a time as a block takes."""
        step = max(_BLOCK // length, 1)
        for start in range(0, len(blobs), step):
            self._add_block(blobs[start : start + step])

    def _add_block(self, block: Sequence[bytes]) -> None:
        """Looks at some blobs of one length: as float32s and float64s, and only at what is neither as float16s."""
        settled = np.zeros(len(block), dtype=np.bool_)
        for name in ("float32", "float64"):
            if (numbers := _numbers(name, block)) is None:
                continue
            believable = _believable(name, numbers)
            self._believable[name] += int(believable.sum())
            settled |= believable
            if name == "float32":
                self._every_second_zero += int((believable & (numbers[:, ::2] == 0).all(axis=1)).sum())
        # Of digits in ASCII, every two are a float16 between 0.1 and 1.
        rest = [blob for blob, is_settled in zip(block, settled, strict=True) if not (is_settled or blob.isascii())]
        if (numbers := _numbers("float16", rest)) is not None:
            self._believable["float16"] += int(_believable("float16", numbers).sum())

    def facts(self) -> VectorFacts:
        """What was found so far."""
        many = self._lengths is None
        return VectorFacts(
            lengths=dict(sorted(self._lengths.items())) if self._lengths is not None else None,
            believable={name: 0 if many else self._believable[name] for name in DTYPES},
            every_second_zero=0 if many else self._every_second_zero,
            contents=dict(sorted(self._contents.items())),
        )


def _numbers(name: str, blobs: Sequence[bytes]) -> npt.NDArray[Any] | None:
    """The numbers of blobs of one length, a row for each; None where they are not whole, or there is no blob."""
    dtype = DTYPES[name]
    if not blobs or len(blobs[0]) % dtype.itemsize:
        return None
    return np.frombuffer(b"".join(blobs), dtype).reshape(len(blobs), -1)


def _believable(name: str, numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """For each row whether it is a vector that somebody can mean: not all 0, and no number that is nonsense."""
    with np.errstate(invalid="ignore"):
        magnitudes = np.abs(numbers)
        largest = magnitudes.max(axis=1)  # NaN where one of them is, and NaN is within no bounds.
        plain = (magnitudes == 0) | (magnitudes >= _SMALLEST_PLAIN[name])
        in_bounds = (largest >= _SMALLEST_LARGEST) & (largest <= LARGEST[name])
        found: npt.NDArray[np.bool_] = in_bounds & (plain.mean(axis=1) >= _PLAIN)
    return found
