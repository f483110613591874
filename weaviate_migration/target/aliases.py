"""Aliases: the names by which readers know the collections. Taken over from earlier migrations, from nobody else."""

from collections.abc import Iterable, Mapping

from weaviate import WeaviateClient

from weaviate_migration.errors import MigrationConflictError
from weaviate_migration.target.schema import origin_of


def alias_targets(client: WeaviateClient, aliases: Iterable[str]) -> dict[str, str | None]:
    """For each alias the collection that it points at, or None where there is no such alias."""
    existing = client.alias.list_all()
    return {alias: existing[alias].collection if alias in existing else None for alias in aliases}


def refuse_foreign_names(client: WeaviateClient, aliases: Iterable[str]) -> None:
    """Checks that each alias is free, or points at a collection of an earlier migration.

    Raises:
        MigrationConflictError: a collection has the name of an alias, or an alias points at a collection that no
            migration made; all such names are given.
    """
    conflicts: list[str] = []
    for alias, target in alias_targets(client, aliases).items():
        if target is None and client.collections.exists(alias):
            conflicts.append(f"the collection `{alias}` has the name of an alias of this migration")
        elif target is not None and origin_of(client, target) is None:
            conflicts.append(f"the alias `{alias}` points at `{target}`, which no migration made")
    if conflicts:
        raise MigrationConflictError(
            f"Weaviate holds what is not ours: {'; '.join(conflicts)}.",
            "Choose other names with `--prefix`, or rename what is there.",
        )


def point_aliases(client: WeaviateClient, targets: Mapping[str, str | None]) -> None:
    """Makes each alias point at its collection; None removes the alias. What is so already is left alone."""
    current = alias_targets(client, targets)
    for alias, target in targets.items():
        if current[alias] == target:
            continue
        if target is None:
            client.alias.delete(alias_name=alias)
        elif current[alias] is None:
            client.alias.create(alias_name=alias, target_collection=target)
        else:
            client.alias.update(alias_name=alias, new_target_collection=target)
