"""Which collections name each other's rows, directly or around a circle."""

from weaviate_migration.mapping.models import CollectionMapping
from weaviate_migration.mapping.models import Mapping as WholeMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.reachable import reachable


def parents_of(mapping: WholeMapping, collection: CollectionMapping) -> list[CollectionMapping]:
    """The collections that the relations of this one lead to, each once; it may be one of them."""
    tables = {folded(each.to_table) for each in collection.relations}
    return [each for each in mapping.collections if folded(each.table) in tables]


def related_groups(mapping: WholeMapping) -> list[list[CollectionMapping]]:
    """The collections that have relations: together those whose relations lead from each of them to all others."""
    parents = {each.name: {parent.name for parent in parents_of(mapping, each)} for each in mapping.collections}
    reached = {name: reachable(name, parents) for name in parents}
    groups: dict[frozenset[str], list[CollectionMapping]] = {}
    for each in mapping.collections:
        if each.relations:
            circle = frozenset(name for name in reached[each.name] if each.name in reached[name])
            groups.setdefault(circle | {each.name}, []).append(each)
    return list(groups.values())


def parents_first(mapping: WholeMapping) -> list[CollectionMapping]:
    """The collections, those that references lead to before those that they come from; around a circle in any order."""
    reached = _reached_by_references(mapping)
    return sorted(mapping.collections, key=lambda each: len(reached[each.name] | {each.name}))


def loaded_before(mapping: WholeMapping, collection: CollectionMapping) -> list[CollectionMapping]:
    """The collections that references of this one lead to, but for those whose references lead back to it."""
    reached = _reached_by_references(mapping)
    parents = set(collection.references.values())
    return [each for each in mapping.collections if each.name in parents and collection.name not in reached[each.name]]


def needed_before(mapping: WholeMapping, collection: CollectionMapping) -> list[CollectionMapping]:
    """The collections that have to be loaded in whole before this one.

    With tenants, references are taken only to what is there; else children load also where parents do not.
    """
    return loaded_before(mapping, collection) if collection.tenant is not None else []


def load_layers(mapping: WholeMapping) -> list[list[CollectionMapping]]:
    """The collections in groups: what one needs is in a group before its own."""
    layers: list[list[CollectionMapping]] = []
    left = list(mapping.collections)
    while left:
        names = {each.name for each in left}
        layer = [each for each in left if names.isdisjoint(it.name for it in needed_before(mapping, each))]
        layers.append(layer)
        left = [each for each in left if each not in layer]
    return layers


def _reached_by_references(mapping: WholeMapping) -> dict[str, set[str]]:
    """All that references lead to from each collection, in any number of steps; itself only around a circle."""
    parents = {each.name: set(each.references.values()) for each in mapping.collections}
    return {name: reachable(name, parents) for name in parents}
