"""The items that are about the SQLite file: backup, the pause it takes, and capture of changes."""

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from weaviate_migration.mapping import Mapping
from weaviate_migration.source.capture import uncaptured_tables
from weaviate_migration.source.connect import RECOVER_HINT, connect_read_only, connect_to_read, source_errors
from weaviate_migration.source.inspect import Database
from weaviate_migration.source.integrity import Integrity, quick_look
from weaviate_migration.source.lookups import slow_lookups
from weaviate_migration.source.other_tables import OtherTables, other_tables
from weaviate_migration.source.plan import MigrationPlan, plan_migration
from weaviate_migration.source.snapshot import UNASKED_PAUSE_SECONDS, SourceLook, look_at
from weaviate_migration.work_folder.checklist import ChecklistItem, Verdict

_NAME_KEYS = "Name their keys in the mapping; what is not followed is compared with the source at the cutover."
_MAKE_INDEX = "`CREATE INDEX` on that column in the source makes it fast."

# A look, not the whole check: that is made of the snapshot.
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Source:
    """The source, and what was found of it.

    Attributes:
        path: the file itself.
        readable: what is read: the file, or a copy (see `readable_source`).
    """

    path: Path
    readable: Path
    plan: MigrationPlan
    look: SourceLook
    other_tables: OtherTables

    @classmethod
    def of(cls, path: Path, database: Database, mapping: Mapping) -> "Source":
        """Looks at the file.

        Raises:
            SourceNotUsableError: it has none of the mapped tables.
            MappingError: it lacks what the mapping wants.
            SourceError: it is locked or damaged.
        """
        readable, plan = database.path, plan_migration(mapping, database)
        with source_errors(path), closing(connect_to_read(readable)) as connection:
            look = look_at(connection, in_place=readable == path)
            return cls(path, readable, plan, look, other_tables(connection, database, plan))


def look_for_damage(path: Path, readable: Path, seconds: float = LOOK_SECONDS) -> Integrity | None:
    """What a look through a file finds; None for a large one with a rollback journal: its writers would wait.

    Args:
        readable: what is read: the file, or a copy of it.

    Raises:
        SourceError: it is locked.
    """
    with source_errors(path), closing(connect_read_only(readable)) as connection:
        if look_at(connection, in_place=readable == path).pause_seconds > UNASKED_PAUSE_SECONDS:
            return None
        return quick_look(connection, seconds)


def backup(source: Source, seconds: float = LOOK_SECONDS) -> ChecklistItem:
    """Whether the file looks sound."""
    size = f"{source.look.bytes / 1e6:,.1f} MB"
    found = look_for_damage(source.path, source.readable, seconds)
    if found is None:
        return ChecklistItem("backup", "passed", f"{size}; too large to check while in use: the snapshot is checked")
    if found.damage:
        return ChecklistItem("backup", "failed", f"{size}; damaged: {'; '.join(found.damage)}", RECOVER_HINT)
    looked = "sound" if found.finished else f"nothing found in {seconds:g} s; the snapshot is checked in whole"
    if found.unchecked:
        looked = f"not looked through: {'; '.join(found.unchecked)}; the snapshot is checked table by table"
    if found.remarks:
        return ChecklistItem("backup", "warned", f"{size}; {found.remark_text()}", "Nothing has to be done.")
    return ChecklistItem("backup", "passed", f"{size}; {looked}")


def pause(look: SourceLook, *, allowed: bool) -> ChecklistItem:
    """How long the application's writers would wait for the snapshot.

    Args:
        allowed: whether they may wait longer than `UNASKED_PAUSE_SECONDS`.
    """
    if not look.pause_seconds:
        return ChecklistItem("pause", "passed", f"0 s: nobody waits (journal mode {look.journal_mode})")
    figure = f"writers wait about {max(look.pause_seconds, 0.1):.1f} s for the snapshot (rollback journal)"
    if look.pause_seconds <= UNASKED_PAUSE_SECONDS:
        return ChecklistItem("pause", "passed", figure)
    remedy = "Allow it with `--allow-pause`, or switch the database to WAL mode, where nobody waits."
    return ChecklistItem("pause", "warned" if allowed else "failed", figure, "" if allowed else remedy)


def tables(others: OtherTables, mapping: Mapping) -> ChecklistItem:
    """Whether every row is in a collection, or its table is left out by the mapping."""
    if others.is_everything_mapped:
        return ChecklistItem("tables", "passed", others.sentence)
    verdict: Verdict = "failed" if others.passed_over and mapping.unmapped == "refuse" else "warned"
    return ChecklistItem("tables", verdict, others.sentence, others.remedy)


def capture(source: Source, *, live: bool) -> ChecklistItem:
    """Whether changes can be captured, where they are to be: it needs a file to write to, and tables with keys."""
    if not live:
        return ChecklistItem("capture", "skipped", "without --live, changes after the snapshot are not followed")
    folder = source.path.resolve().parent
    if source.readable != source.path or not (os.access(source.path, os.W_OK) and os.access(folder, os.W_OK | os.X_OK)):
        return ChecklistItem(
            "capture",
            "failed",
            f"{source.path} or its folder cannot be written to",
            "Give this user the right to write to both, or migrate without --live.",
        )
    tables = sum(each.table is not None for each in source.plan.collections)
    left_out, slow = uncaptured_tables(source.plan), slow_lookups(source.readable, source.plan)
    figure = "; ".join([f"{tables - len(left_out)} of {tables} tables can be followed", *left_out, *slow])
    if not left_out:
        return ChecklistItem("capture", "warned" if slow else "passed", figure, _MAKE_INDEX if slow else "")
    verdict: Verdict = "failed" if len(left_out) == tables else "warned"
    return ChecklistItem("capture", verdict, figure, _NAME_KEYS)
