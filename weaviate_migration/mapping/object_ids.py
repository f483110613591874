"""The UUID of each row's object, its address in a collection, and ranges of addresses.

The rule (a test holds it): a key of one column that holds a canonical lower-case UUID is the object's UUID itself.
Every other key gives the version 5 UUID, in the namespace below, of the compact JSON `[table, [[class, value], …]]`
with one pair for each key column: class is `integer`, `real`, `text` or `blob`; value is the decimal number, the real
in `float.hex()`, the text, or the bytes in hexadecimal (`text` that is not UTF-8 has class `text-bytes` and is given in
hexadecimal too). So 1 and '1', and composite keys, never share a UUID.

The address of an object is its UUID, and in a multi-tenant collection its tenant's name, a blank and its UUID: the same
UUID in two tenants is two objects. A blank sorts before every character of a tenant's name, so addresses in ascending
order are tenants in ascending order, and within each of them UUIDs.
"""

import json
import re
import uuid
from dataclasses import dataclass

from weaviate_migration.mapping.values import SqlValue, is_utf8

# Made once, for this package (a random version 4 UUID).
NAMESPACE = uuid.UUID("5b0f31a4-6f86-4c11-9ae2-6b9a37b1a0c7")

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


@dataclass(frozen=True, slots=True)
class UuidRange:
    """A contiguous range of addresses: `low` belongs to it, `high` does not; None means no bound."""

    low: str | None
    high: str | None


def object_uuid(table: str, key: tuple[SqlValue, ...]) -> str | None:
    """The UUID of the object of one row, as canonical lower-case text; None if a part of the key is NULL.

    Args:
        table: the table's name as the SQLite file spells it.
        key: the values of the key's columns, or the rowid; text that is not UTF-8 with its bytes as surrogate escapes.
    """
    if len(key) == 1 and isinstance(key[0], str) and _CANONICAL_UUID(key[0]):
        return key[0]
    if None in key:
        return None
    name = json.dumps([table, [classed(part) for part in key]], ensure_ascii=False, separators=(",", ":"))
    return str(uuid.uuid5(NAMESPACE, name))


def address(tenant: str | None, uuid_text: str) -> str:
    """The address of an object in its collection, by the tenant's name (None: a collection without tenants)."""
    return uuid_text if tenant is None else f"{tenant} {uuid_text}"


def split_address(of_object: str) -> tuple[str | None, str]:
    """The tenant's name (None: a collection without tenants) and the UUID of an object, from its address."""
    tenant, blank, uuid_text = of_object.rpartition(" ")
    return tenant if blank else None, uuid_text


def lacks_tenant(of_object: str) -> bool:
    """Whether an address is that of a row without a tenant in a collection with tenants: it has no object."""
    return of_object.startswith(" ")


def classed(part: SqlValue) -> tuple[str, str]:
    """Storage class and text of a value that is not NULL: different values give different pairs."""
    if isinstance(part, str):
        return ("text", part) if is_utf8(part) else ("text-bytes", part.encode(errors="surrogateescape").hex())
    if isinstance(part, bytes):
        return "blob", part.hex()
    if isinstance(part, float):
        return "real", part.hex()
    return "integer", str(part)
