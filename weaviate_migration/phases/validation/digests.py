"""The digest of a side: what anyone can compute again from the rows alone.

SHA-256 over one line for each row of a partition, ascending by address, rows without one first: a JSON array of the
address (`null` where a part of the key is NULL) and the row's values in the order of the extract's columns, as JSON
writes it without blanks and with everything but ASCII escaped, then a newline. Values are as in `source_columns`:
integers, reals, text and null as they are, blobs as `{"base64": …}`, text that is not UTF-8 as `{"text_base64": …}`,
infinities as `{"real": "Infinity"}` or `"-Infinity"`. The line of an object from which no row can be rebuilt is
`[address,"unreadable"]`. A collection's digest is the SHA-256 over its partitions' digests in hexadecimal, in their
order, each with a newline.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from weaviate_migration.mapping.values import SqlValue, verbatim

_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
# How the escapes of surrogates begin: of pairs, as in any text, or of bytes that are no UTF-8.
_SURROGATE = b"\\ud"


def row_line(uuid: str | None, values: Sequence[SqlValue] | None) -> bytes:
    """The line of one row; of an object that cannot be read where `values` is None."""
    if values is None:
        return _line([uuid, "unreadable"])
    try:
        # As a rule JSON has each value as it is: tried first, since asking each one takes longer than all the rest.
        line = _line([uuid, *values])
    except (TypeError, ValueError):  # Blobs, and infinities.
        return _line([uuid, *map(verbatim, values)])
    return line if _SURROGATE not in line else _line([uuid, *map(verbatim, values)])


def row_lines(uuids: Sequence[str | None], columns: Sequence[Sequence[SqlValue]]) -> bytes:
    """The lines of many rows, given column by column: the same bytes as `row_line` gives.

    Rows of ASCII alone take a quarter of the time that `json` takes (0.7 instead of 2.8 us, rows of 600 characters).
    """
    with suppress(UnicodeEncodeError):  # Text that is not UTF-8.
        lines = _to_json_lines(list(zip(uuids, *map(_as_json_has_them, columns), strict=True)))
        # What `msgspec` does not escape.
        if lines.isascii() and b"\x7f" not in lines:
            return lines
    return b"".join(map(row_line, uuids, zip(*columns, strict=True)))


def _as_json_has_them(values: Sequence[SqlValue]) -> Sequence[Any]:
    """Values that `msgspec` writes as `json` does: of reals it writes another form, of blobs the base64 alone."""
    if set(map(type, values)).isdisjoint((float, bytes)):
        return values
    return [
        msgspec.Raw(_to_json(verbatim(each)).encode()) if isinstance(each, float | bytes) else each for each in values
    ]


_to_json_lines = msgspec.json.Encoder().encode_lines


def _line(items: list[Any]) -> bytes:
    return _to_json(items).encode() + b"\n"


def collection_digest(partition_digests: Iterable[str]) -> str:
    """The digest of a collection's side from those of its partitions, in their order."""
    return hashlib.sha256("".join(f"{each}\n" for each in partition_digests).encode()).hexdigest()
