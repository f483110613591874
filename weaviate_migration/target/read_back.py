"""Reads objects back: in the order of their UUIDs through the cursor, or by their UUIDs."""

from collections.abc import Iterator, Sequence
from typing import Any

from weaviate.classes.query import Filter
from weaviate.collections import Collection

from weaviate_migration.target.failures import target_errors
from weaviate_migration.transform.object_ids import UuidRange

# Pages of the cursor: at 5,000 objects a page the server is the limit (20,000/s; with 100 it is 8,400/s).
PAGE = 5_000


def uuids_in_range(collection: Collection[Any, Any], uuid_range: UuidRange, page: int = PAGE) -> Iterator[str]:
    """The UUIDs of all objects of the range, ascending.

    The cursor walks objects in the order of their UUIDs and starts after any UUID, stored or not (measured on 1.39.0).
    It skips the very UUID that it starts after: a range without lower bound starts without one.
    """
    after = uuid_before(uuid_range.low) if uuid_range.low is not None else None
    while True:
        found = _uuids_after(collection, after, page)
        for uuid in found:
            if uuid_range.high is not None and uuid >= uuid_range.high:
                return
            yield uuid
        if len(found) < page:
            return
        after = found[-1]


def page_for(objects: int) -> int:
    """The size of equal pages that hold so many objects and the one after them: nothing is fetched in vain."""
    pages = -(-(objects + 1) // PAGE)
    return -(-(objects + 1) // pages)


@target_errors("reading UUIDs")
def _uuids_after(collection: Collection[Any, Any], after: str | None, page: int) -> list[str]:
    found = collection.query.fetch_objects(limit=page, after=after, return_properties=[]).objects
    return [str(each.uuid) for each in found]


def any_object_in_range(collection: Collection[Any, Any], uuid_range: UuidRange) -> bool:
    """Whether the range holds an object at all."""
    return next(uuids_in_range(collection, uuid_range, page=1), None) is not None


@target_errors("reading objects")
def objects_by_uuid(collection: Collection[Any, Any], uuids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The properties of these objects by UUID; those that are not there are left out."""
    if not uuids:
        return {}
    found = collection.query.fetch_objects(filters=Filter.by_id().contains_any(list(uuids)), limit=len(uuids))
    return {str(each.uuid): dict(each.properties) for each in found.objects}


def uuid_before(uuid: str) -> str | None:
    """The UUID just before this one, for a cursor that is to start at it; None before the first."""
    number = int(uuid.replace("-", ""), 16)
    if number == 0:
        return None
    text = f"{number - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
