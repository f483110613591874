"""The switch to a migration's collections, the way back, and the removal of a migration that is not wanted."""

from pathlib import Path

from weaviate import WeaviateClient

from weaviate_migration.errors import DifferencesError
from weaviate_migration.quarantine import Quarantine
from weaviate_migration.record import MigrationRecord, MigrationRecords
from weaviate_migration.target.aliases import alias_targets, point_aliases, refuse_foreign_names
from weaviate_migration.target.schema import drop_collection


def switch_aliases(
    client: WeaviateClient, records: MigrationRecords, record: MigrationRecord, quarantine: Path
) -> MigrationRecord:
    """Points each alias at this migration's collection, after writing down where it pointed before.

    Args:
        quarantine: the folder of quarantined rows.

    Raises:
        DifferencesError: rows of this migration are in the quarantine.
        MigrationConflictError: a name is taken by a collection or alias that no migration made.
    """
    _refuse_quarantined_rows(record, quarantine)
    targets = record.targets
    refuse_foreign_names(client, targets)
    # Written first: when the switch is killed half-way, going back still knows where the aliases pointed.
    if record.state == "unfinished":
        record = records.update(record, previous_aliases=_other_targets(client, targets, record))
    point_aliases(client, targets)
    return records.update(record, state="cut over")


def roll_back(
    client: WeaviateClient,
    records: MigrationRecords,
    record: MigrationRecord,
    quarantine: Path,
    *,
    discard: bool,
) -> list[str]:
    """Gives the aliases back; and with `discard` removes the collections that this migration made, and only those.

    Returns:
        The names of the collections removed.
    """
    ours = record.targets
    current = alias_targets(client, ours)
    moved = {alias: record.previous_aliases.get(alias) for alias, target in current.items() if target == ours[alias]}
    point_aliases(client, moved)
    removed = [name for name in sorted(ours.values()) if discard and drop_collection(client, name, record.id)]
    for name in ours.values() if discard else ():
        Quarantine(quarantine, name).discard()
    records.update(record, state="discarded" if discard else "rolled back")
    return removed


def _other_targets(client: WeaviateClient, targets: dict[str, str], record: MigrationRecord) -> dict[str, str | None]:
    """Where the aliases point; for one that a switch killed half-way has moved already, where it pointed before."""
    found = alias_targets(client, targets)
    return {
        alias: record.previous_aliases.get(alias) if found[alias] == target else found[alias]
        for alias, target in targets.items()
    }


def _refuse_quarantined_rows(record: MigrationRecord, quarantine: Path) -> None:
    refused = {
        alias: rows
        for alias, collection in record.targets.items()
        if (rows := sum(1 for _ in Quarantine(quarantine, collection).rows()))
    }
    if refused:
        counts = ", ".join(f"{rows} of {alias}" for alias, rows in refused.items())
        raise DifferencesError(
            f"Rows were refused ({counts}): the aliases are not moved.",
            f"`weaviate-migration quarantine list` names them; key, reason and payload are in {quarantine}.",
        )
