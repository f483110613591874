"""Which collections name each other's rows, directly or around a circle."""

from collections.abc import Iterable, Mapping, Set

from weaviate_migration.mapping.models import CollectionMapping, folded
from weaviate_migration.mapping.models import Mapping as WholeMapping


def parents_of(mapping: WholeMapping, collection: CollectionMapping) -> list[CollectionMapping]:
    """The collections that the relations of this one lead to, each once; it may be one of them."""
    tables = {folded(each.to_table) for each in collection.relations}
    return [each for each in mapping.collections if folded(each.table) in tables]


def related_groups(mapping: WholeMapping) -> list[list[CollectionMapping]]:
    """The collections that have relations: together those whose relations lead from each of them to all others."""
    parents = {each.name: {parent.name for parent in parents_of(mapping, each)} for each in mapping.collections}
    reached = {name: _reached(name, parents) for name in parents}
    groups: dict[frozenset[str], list[CollectionMapping]] = {}
    for each in mapping.collections:
        if each.relations:
            circle = frozenset(name for name in reached[each.name] if each.name in reached[name])
            groups.setdefault(circle | {each.name}, []).append(each)
    return list(groups.values())


def _reached(start: str, parents: Mapping[str, Set[str]]) -> set[str]:
    """All that relations lead to from one collection, in any number of steps."""
    found: set[str] = set()
    ahead: Iterable[str] = parents[start]
    while ahead := set(ahead) - found:
        found |= ahead
        ahead = (parent for name in ahead for parent in parents[name])
    return found
