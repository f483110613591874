"""Aliases: the names by which readers know the collections. Taken over from earlier migrations, from nobody else."""

from collections.abc import Collection, Iterable, Mapping

from weaviate import WeaviateClient

from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.base.write_guards import confirm_writes
from weaviate_migration.target.calls import make_once
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.target.schema import origin_of
from weaviate_migration.target.tenants import tenants_found


@target_errors("reading aliases")
def alias_targets(client: WeaviateClient, aliases: Iterable[str]) -> dict[str, str | None]:
    """For each alias the collection that it points at, or None where there is no such alias."""
    existing = client.alias.list_all()
    return {alias: existing[alias].collection if alias in existing else None for alias in aliases}


@target_errors("reading aliases")
def collections_behind_aliases(client: WeaviateClient) -> set[str]:
    """The collections that any alias points at, whosever it is."""
    return {each.collection for each in client.alias.list_all().values()}


@target_errors("looking for names that are taken")
def refuse_foreign_names(client: WeaviateClient, aliases: Iterable[str]) -> None:
    """Checks that each alias is free, or points at a collection of an earlier migration.

    Raises:
        MigrationConflictError: a collection has the name of an alias, or an alias points at a collection that no
            migration made or that is gone (an alias outlives its collection); all such names are given.
    """
    conflicts: list[str] = []
    for alias, target in alias_targets(client, aliases).items():
        if target is None and client.collections.exists(alias):
            conflicts.append(f"the collection `{alias}` has the name of an alias of this migration")
        elif target is not None and origin_of(client, target) is None:
            gone = "no migration made" if client.collections.exists(target) else "is not there any more"
            conflicts.append(f"the alias `{alias}` points at `{target}`, which {gone}")
    if conflicts:
        raise MigrationConflictError(
            f"Weaviate holds what is not ours: {'; '.join(conflicts)}.",
            "Choose other names with `--prefix`, or rename or remove what is there.",
        )


@target_errors("looking for names that are in use")
def refuse_names_in_use(client: WeaviateClient, aliases: Iterable[str], own: Collection[str], source: str) -> None:
    """Checks that no alias leads to what a migration of something else has made.

    Args:
        own: the migrations whose place the new one may take, and `source` the file whose place it may take.

    Raises:
        MigrationConflictError: an alias leads to a collection of another migration and file; all such are given.
    """
    taken: list[str] = []
    for alias, target in alias_targets(client, aliases).items():
        origin = origin_of(client, target) if target is not None and client.collections.exists(target) else None
        if origin is not None and origin.migration not in own and origin.source != source:
            taken.append(f"`{alias}` leads to what came from {origin.source}")
    if taken:
        raise MigrationConflictError(
            f"Another migration has names that this one would take: {'; '.join(taken)}.",
            "Give each migration of a project other names in Weaviate: the setting `prefix` (`collection_prefix`).",
        )


@target_errors("looking for tenants that are in use")
def refuse_other_tenants(client: WeaviateClient, lone_tenants: Mapping[str, str]) -> None:
    """Checks that readers lose nothing where a collection of one tenant takes the place of what they have.

    Args:
        lone_tenants: for each alias whose new collection has the rows of one tenant alone, its name.

    Raises:
        MigrationConflictError: an alias leads to a collection that has other tenants, or objects without any.
    """
    conflicts: list[str] = []
    for alias, target in alias_targets(client, lone_tenants).items():
        if target is None or not client.collections.exists(target):
            continue
        found = tenants_found(open_collection(client, target))
        others = [tenant for tenant in found or () if tenant != lone_tenants[alias]]
        if found is None:
            conflicts.append(f"`{alias}` leads to a collection without tenants")
        elif others:
            conflicts.append(f"`{alias}` has {len(others):,} other tenants, such as {others[0]}")
    if conflicts:
        raise MigrationConflictError(
            f"Of one tenant alone: readers would lose what they have now. {'; '.join(conflicts)}.",
            "Choose other names with `--prefix`, and another `--work-dir`; or migrate all tenants.",
        )


@target_errors("moving aliases")
def point_aliases(client: WeaviateClient, targets: Mapping[str, str | None]) -> None:
    """Makes each alias point at its collection; None removes the alias. What is so already is left alone.

    Raises:
        MigrationConflictError: a collection is not there; then no alias was moved.
    """
    missing = sorted(target for target in targets.values() if target and not client.collections.exists(target))
    if missing:
        raise MigrationConflictError(
            f"No alias was moved: {', '.join(missing)} would be pointed at, and is not there any more.",
            "Point the aliases elsewhere yourself, or make the collections again.",
        )
    current = alias_targets(client, targets)
    for alias, target in targets.items():
        if current[alias] == target:
            continue
        confirm_writes()
        if target is None:
            client.alias.delete(alias_name=alias)
        elif current[alias] is None:
            _create(client, alias, target)
        else:
            client.alias.update(alias_name=alias, new_target_collection=target)


def _create(client: WeaviateClient, alias: str, target: str) -> None:
    make_once(
        client,
        "moving aliases",
        lambda: client.alias.create(alias_name=alias, target_collection=target),
        lambda: alias_targets(client, [alias]) == {alias: target},
    )
