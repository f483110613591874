"""The tenants of a collection: Weaviate reads, counts, searches and removes in one of them at a time.

Elsewhere an object is known by its address, see `mapping.object_ids`; here, and where objects are sent, it is taken
apart. Tenants are made by the first object that is sent to them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import UuidRange, split_address
from weaviate_migration.target.failures import target_errors

Tenants = Sequence[str] | None
"""The names of a collection's tenants, ascending; None for a collection that has none by its schema."""


class PartOfRange(NamedTuple):
    """What a range has of one tenant, or of a collection without tenants: there `tenant` is None.

    Attributes:
        objects: the collection, as its reads are about this tenant.
        within: UUIDs, without the tenant.
    """

    tenant: str | None
    objects: Collection[Any, Any]
    within: UuidRange


class PartOfObjects(NamedTuple):
    """Those of some objects that are of one tenant, or of a collection without tenants: there `tenant` is None.

    Attributes:
        objects: the collection, as its reads are about this tenant.
        uuids: without the tenant, in the order that was given.
    """

    tenant: str | None
    objects: Collection[Any, Any]
    uuids: list[str]


@target_errors("listing tenants")
def tenants_of(collection: Collection[Any, Any], mapping: CollectionMapping) -> Tenants:
    """The tenants of a collection of this mapping, as they are now (2,000 take 15 ms)."""
    return _names(collection) if mapping.tenant is not None else None


@target_errors("listing tenants")
def tenants_found(collection: Collection[Any, Any]) -> Tenants:
    """The tenants of a collection whose mapping is not at hand: the server is asked whether it has any."""
    has_tenants = collection.config.get().multi_tenancy_config.enabled
    return _names(collection) if has_tenants else None


def _names(collection: Collection[Any, Any]) -> list[str]:
    return sorted(collection.tenants.get())


def of_tenant(collection: Collection[Any, Any], tenant: str | None) -> Collection[Any, Any]:
    """The collection, as its reads are about this tenant; None: it has none."""
    return collection if tenant is None else collection.with_tenant(tenant)


def parts_of_range(collection: Collection[Any, Any], within: UuidRange, tenants: Tenants) -> Iterator[PartOfRange]:
    """What a range of addresses has of each tenant, ascending; tenants outside of it are left out.

    Args:
        within: addresses; with tenants both bounds have one.
        tenants: the collection's.
    """
    if tenants is None:
        yield PartOfRange(None, collection, within)
        return
    first, low = split_address(within.low) if within.low is not None else (None, None)
    last, high = split_address(within.high) if within.high is not None else (None, None)
    for tenant in tenants:
        if (first is None or first <= tenant) and (last is None or tenant <= last):
            part = UuidRange(low if tenant == first else None, high if tenant == last else None)
            yield PartOfRange(tenant, collection.with_tenant(tenant), part)


def parts_of_objects(collection: Collection[Any, Any], addresses: Iterable[str]) -> Iterator[PartOfObjects]:
    """Objects by their tenants; those of tenants that are not there are left out: a read of one is refused."""
    by_tenant: dict[str | None, list[str]] = {}
    for each in addresses:
        tenant, uuid = split_address(each)
        by_tenant.setdefault(tenant, []).append(uuid)
    named = [tenant for tenant in by_tenant if tenant is not None]
    there = {None, *(collection.tenants.get_by_names(named) if named else ())}
    for tenant, uuids in by_tenant.items():
        if tenant in there:
            yield PartOfObjects(tenant, of_tenant(collection, tenant), uuids)
