"""Pages of a collection over REST, by column: cheaper than through the client, which makes an object of each one.

The bytes of an answer go into structs that are made from the mapping.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar, cast

import httpx
import msgspec
from weaviate import WeaviateClient
from weaviate.exceptions import UnexpectedStatusCodeError

from weaviate_migration.base.errors import UnusableAnswerError
from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import UuidRange, address
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.read_back import (
    objects_in_range,
    uuid_after,
    uuid_before,
    uuids_in_range,
    vector_bytes_after,
)
from weaviate_migration.target.replicas import is_replicated, open_collection
from weaviate_migration.target.tenants import PartOfRange, Tenants, parts_of_range

# As JSON has them. Dates, UUIDs and the base64 of blobs stay texts here.
_TYPES: dict[str, type] = {
    "text": str,
    "int": int,
    "number": float,
    "boolean": bool,
    "date": str,
    "uuid": str,
    "text[]": list[str],
    "int[]": list[int],
    "number[]": list[float],
    "boolean[]": list[bool],
    "date[]": list[str],
    "blob": str,
}
_PROVENANCE: dict[str, type] = {
    "migrated_from_sqlite": bool,
    "original_id": str,
    "migration_timestamp": str,
    "source_columns": str,
}


_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class ObjectColumns:
    """Objects, ascending by address, each property as a list; None where an object does not have it.

    Attributes:
        uuids: their addresses.
        properties: by name. UUIDs, blobs (base64) and dates are texts as REST writes them; dates in RFC 3339, without
            zeros at a fraction's end.
        provenance: what the provenance property has, by name.
        vectors: those that rows tell of, by name, as the bytes of little-endian float32s.
        references: by name, of each object the UUIDs that it leads to, whether or not they are there.
    """

    uuids: list[str]
    properties: dict[str, list[Any]]
    provenance: dict[str, list[Any]]
    vectors: dict[str, list[bytes | None]]
    references: dict[str, list[tuple[str, ...]]]

    def __len__(self) -> int:
        return len(self.uuids)

    @property
    def length(self) -> int:
        """The characters of their texts."""
        return sum(len(each) for column in self.properties.values() for each in column if isinstance(each, str))

    def part(self, start: int, stop: int | None = None) -> "ObjectColumns":
        """Some of the objects, as a slice."""
        where = slice(start, stop)
        return ObjectColumns(
            self.uuids[where],
            {name: each[where] for name, each in self.properties.items()},
            {name: each[where] for name, each in self.provenance.items()},
            {name: each[where] for name, each in self.vectors.items()},
            {name: each[where] for name, each in self.references.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence["ObjectColumns"]) -> "ObjectColumns":
        """The objects of some parts, one after the other; there is one part at least."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            [uuid for each in parts for uuid in each.uuids],
            _joined([each.properties for each in parts]),
            _joined([each.provenance for each in parts]),
            _joined([each.vectors for each in parts]),
            _joined([each.references for each in parts]),
        )


def _joined(parts: Sequence[dict[str, list[_Value]]]) -> dict[str, list[_Value]]:
    return {name: [value for each in parts for value in each[name]] for name in parts[0]}


class _Beacon(msgspec.Struct, gc=False):
    """One object that a reference leads to, as REST says it: `weaviate://localhost/<collection>/<UUID>`."""

    beacon: str


def _led_to(beacons: Sequence[_Beacon]) -> tuple[str, ...]:
    """The UUIDs that a reference leads to."""
    return tuple([each.beacon.rpartition("/")[2] for each in beacons])


class PageReader:
    """Reads the answers of REST for one collection.

    Args:
        mapping: the collection's part of the mapping. The live schema must be what it makes: JSON tells an `int` from a
            `number` only by that.

    Attributes:
        nothing: the columns of no objects.
    """

    def __init__(self, mapping: CollectionMapping) -> None:
        made = (*mapping.properties, *mapping.parent_properties)
        names = {f"property_{number}": prop.name for number, prop in enumerate(made)}
        types = [_TYPES[prop.type] | None for prop in made]
        references = {f"reference_{number}": name for number, name in enumerate(mapping.references)}
        provenance = msgspec.defstruct(
            "Provenance",
            [(name, of_type | None, None) for name, of_type in _PROVENANCE.items()],
            forbid_unknown_fields=True,
            gc=False,
        )
        properties = msgspec.defstruct(
            "Properties",
            [
                *((field, of_type, None) for field, of_type in zip(names, types, strict=True)),
                *((field, list[_Beacon], ()) for field in references),
                ("provenance", provenance, msgspec.field(default_factory=provenance)),
            ],
            rename={**names, **references, "provenance": mapping.provenance},
            forbid_unknown_fields=True,
            gc=False,
        )
        stored = msgspec.defstruct("Stored", [("id", str), ("properties", properties)], gc=False)
        page = msgspec.defstruct("Page", [("objects", list[stored])])  # type: ignore[valid-type]
        self._decode = msgspec.json.Decoder(page).decode
        self._readers = {name: attrgetter(field) for field, name in names.items()}
        self._references = {name: attrgetter(field) for field, name in references.items()}
        self.nothing = ObjectColumns(
            [],
            {name: [] for name in self._readers},
            {name: [] for name in _PROVENANCE},
            {},
            {name: [] for name in self._references},
        )

    def read(self, answer: bytes) -> ObjectColumns | None:
        """The objects of one answer; None where one of them has another property, or a value of another type."""
        try:
            objects = cast(Any, self._decode(answer)).objects
        except (msgspec.DecodeError, RecursionError):
            return None
        properties = [each.properties for each in objects]
        provenance = [each.provenance for each in properties]
        return ObjectColumns(
            [each.id for each in objects],
            {name: list(map(read, properties)) for name, read in self._readers.items()},
            {name: list(map(attrgetter(name), provenance)) for name in _PROVENANCE},
            {},
            {name: [_led_to(read(each)) for each in properties] for name, read in self._references.items()},
        )


class ObjectPages:
    """Pages of one collection.

    Args:
        name: the collection's, versioned.
        mapping: its part of the mapping, which the live schema must agree with, as for `PageReader`.
    """

    def __init__(self, client: WeaviateClient, name: str, mapping: CollectionMapping) -> None:
        self._client = client
        self._name = name
        self._objects = open_collection(client, name)
        self._reader = PageReader(mapping)
        self._numbers = [prop.name for prop in mapping.properties if prop.type in ("number", "number[]")]
        self._vectors = mapping.expected_vectors

    def read(self, within: UuidRange, limit: int, tenants: Tenants = None) -> tuple[ObjectColumns | None, bool]:
        """The first objects of a range, and whether they are all that it has.

        Args:
            tenants: the collection's.

        Returns:
            None in the place of the objects where an answer is not what the mapping makes, or is too large.
        """
        nothing = self._reader.nothing
        parts: list[ObjectColumns] = []
        missing, is_whole = limit, True
        for part in parts_of_range(self._objects, within, tenants):
            if not is_whole or not missing:
                return ObjectColumns.joined(parts or [nothing]), False
            found, is_whole = self._read_part(part, missing)
            if found is None:
                return None, False
            if found:
                parts.append(found)
            missing -= len(found)
        return ObjectColumns.joined(parts or [nothing]), is_whole

    def _read_part(self, part: PartOfRange, limit: int) -> tuple[ObjectColumns | None, bool]:
        """As `read`, of one tenant.

        REST lists what one node has. So where there are replicas, the same objects are asked for over gRPC first, at
        the client's level: what differs from another replica is mended by that, and REST tells it as it is then.
        """
        is_proven = is_replicated(self._objects, "reading objects")
        proven = list(islice(uuids_in_range(part.objects, part.within, limit), limit)) if is_proven else None
        try:
            found = self._reader.read(self._answer(part, limit))
        except UnusableAnswerError:  # More than is read at once; over gRPC it is read in parts.
            found = None
        if found is None:
            return None, False
        end = len(found) if part.within.high is None else bisect_left(found.uuids, part.within.high)
        is_whole = end < len(found) or len(found) < limit
        completed = self._completed(found.part(0, end), part)
        if completed is not None and proven is not None and completed.uuids != proven:
            return None, False
        if completed is None or part.tenant is None:
            return completed, is_whole
        return replace(completed, uuids=[address(part.tenant, uuid) for uuid in completed.uuids]), is_whole

    @target_errors("reading objects")
    def _answer(self, part: PartOfRange, limit: int) -> bytes:
        of_tenant = {"tenant": part.tenant} if part.tenant is not None else {}
        # Private: the client has no public way to an answer as it came, and its connection knows keys and proxies.
        answer = self._client._connection.get(
            "/objects",
            {"class": self._name, "limit": limit, "after": _cursor(part) or "", **of_tenant},
            "objects were not read",
        )
        answer = cast(httpx.Response, answer)
        if answer.status_code != httpx.codes.OK:
            raise UnexpectedStatusCodeError("objects were not read", answer)
        return answer.content

    def _completed(self, found: ObjectColumns, part: PartOfRange) -> ObjectColumns | None:
        """With what JSON does not tell: the sign of a zero, and vectors bit for bit. Both come over gRPC."""
        zeros = [name for name in self._numbers if _has_zero(found.properties[name])]
        if found and zeros:
            up_to = UuidRange(part.within.low, uuid_after(found.uuids[-1]))
            exact = list(objects_in_range(part.objects, up_to, len(found) + 1, properties=zeros))
            if [each.uuid for each in exact] != found.uuids:
                return None
            numbers = {name: [each.properties.get(name) for each in exact] for name in zeros}
            found = replace(found, properties={**found.properties, **numbers})
        return self._with_vectors(found, part) if found and self._vectors else found

    def _with_vectors(self, found: ObjectColumns, part: PartOfRange) -> ObjectColumns | None:
        exact = vector_bytes_after(part.objects, _cursor(part), len(found), self._vectors)
        if exact is None or [uuid for uuid, _ in exact] != found.uuids:
            return None
        return replace(found, vectors={name: [own.get(name) for _, own in exact] for name in self._vectors})


def _cursor(part: PartOfRange) -> str | None:
    """The UUID that a page of this range begins after; None for the very first."""
    return uuid_before(part.within.low) if part.within.low is not None else None


def _has_zero(column: list[Any]) -> bool:
    """Whether one of these numbers, or of these lists of numbers, is zero."""
    return 0.0 in column or any(isinstance(each, list) and 0.0 in each for each in column)
