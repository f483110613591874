"""Cross-references: from objects to their parents' objects, between versions that one migration made.

An alias cannot be the target of a reference, so it leads into a versioned collection, whatever the alias says. The
server refuses an object whose reference leads nowhere, takes such a reference by itself, skips it in every query, and
resolves it as soon as the object is there; but in a collection with tenants it takes none (measured on 1.39.0).
"""

from collections.abc import Collection as Container
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weaviate import WeaviateClient
from weaviate.classes.config import ReferenceProperty
from weaviate.classes.data import DataReference
from weaviate.collections import Collection

from weaviate_migration.base.errors import ConfigurationError, TargetOverloadError
from weaviate_migration.mapping.object_ids import address, split_address
from weaviate_migration.mapping.row_to_object import References
from weaviate_migration.target.calls import make_once
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.read_back import uuids_present
from weaviate_migration.target.replicas import open_collection


@target_errors("making references")
def ensure_references(client: WeaviateClient, name: str, targets: Mapping[str, str]) -> None:
    """Gives a collection those of these references that it does not have yet.

    Args:
        targets: for each reference the collection that it leads to, which is there: also around a circle.
    """
    if not targets:
        return
    there = _reference_names(client, name)
    for reference, target in targets.items():
        if reference not in there:
            _add(client, name, reference, target)


def _add(client: WeaviateClient, name: str, reference: str, target: str) -> None:
    config = open_collection(client, name).config
    make_once(
        client,
        "making references",
        lambda: config.add_reference(ReferenceProperty(name=reference, target_collection=target)),
        lambda: reference in _reference_names(client, name),
    )


def _reference_names(client: WeaviateClient, name: str) -> set[str]:
    return {each.name for each in open_collection(client, name).config.get().references}


@target_errors("adding references")
def add_references(collection: Collection[Any, Any], references: Mapping[str, References]) -> None:
    """Adds references to objects that have none, whether or not anything is there that they lead to.

    With tenants they are left out: the server would refuse them again.

    Args:
        references: by the address of their object.

    Raises:
        TargetError: the server did not take all of them.
    """
    leading = [
        DataReference(from_property=name, from_uuid=of_object, to_uuid=to_uuid)
        for of_object, by_name in references.items()
        for name, to_uuid in by_name.items()
        if split_address(of_object)[0] is None
    ]
    if not leading:
        return
    if (reply := collection.data.reference_add_many([*leading])).has_errors:
        first = next(iter(reply.errors.values())).message
        raise TargetOverloadError(
            f"{len(reply.errors)} references of {collection.name} were not added, the first one: {first}"
        )


@dataclass(frozen=True)
class ReferencedObjects:
    """The objects that the references of one collection may lead to.

    Attributes:
        targets: for each reference the collection that it leads to.
    """

    targets: Mapping[str, Collection[Any, Any]]

    def has(self, reference: str, of_object: str, to_uuid: str) -> bool:
        """Whether what a reference leads to is there, in the tenant of the object that has it."""
        return bool(uuids_present(self.targets[reference], [address(split_address(of_object)[0], to_uuid)]))


@target_errors("looking for references")
def refuse_referenced(client: WeaviateClient, names: Container[str]) -> None:
    """Refuses to remove collections that references of others lead to: without them, reading the others fails.

    Raises:
        ConfigurationError: there are such references.
    """
    leading = [
        f"reference `{reference.name}` of `{source}` leads to `{target}`"
        for source, config in client.collections.list_all(simple=False).items()
        if source not in names
        for reference in config.references
        for target in reference.target_collections
        if target in names
    ]
    if leading:
        raise ConfigurationError(
            f"Collections would be removed that others need: {'; '.join(leading)}.",
            "Remove the collections that these references belong to first, if nobody needs them.",
        )
