"""Relations: each child's parent is in its collection exactly where it is in the source."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping, Mapping, RelationMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.phases.history.changes import held_changes
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import plan_migration
from weaviate_migration.source.rows import NamedParent, TableReader
from weaviate_migration.target.read_back import uuids_present
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

PARENTS_PER_REQUEST = 1000
SHOWN_PARENTS = 20


@dataclass
class RelationComparison:
    """What one relation showed; counts are of parents, each counted once, unless they say otherwise.

    Attributes:
        parents: that children name.
        orphans: of these the ones that the source does not have; `orphaned_children` are the rows that name them.
        lost: parents that the source has and the collection has not.
        invented: parents that the collection has and the source has not.
        first_orphans, first_lost, first_invented: the first of them, as people see keys.
    """

    column: str
    to_collection: str
    parents: int = 0
    orphans: int = 0
    orphaned_children: int = 0
    lost: int = 0
    invented: int = 0
    first_orphans: list[str] = field(default_factory=list)
    first_lost: list[str] = field(default_factory=list)
    first_invented: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether the migration broke nothing: both sides have the same parents."""
        return not self.lost and not self.invented

    def to_text(self) -> str:
        """One sentence for people."""
        text = f"{self.column} → {self.to_collection}: {self.parents} parents looked up"
        if self.lost:
            text += (
                f"; {self.lost} are not in {self.to_collection} though the source has them ({_named(self.first_lost)})"
            )
        if self.invented:
            text += f"; {self.invented} are there that the source does not have ({_named(self.first_invented)})"
        if self.orphans:
            text += (
                f"; {self.orphaned_children} rows name {self.orphans} parents that the source does not have "
                f"({_named(self.first_orphans)})"
            )
        return text


def compare_relations(
    collection: CollectionMapping,
    mapping: Mapping,
    record: MigrationRecord,
    client: WeaviateClient,
    work_folder: WorkFolder,
    sort_memory_mb: int,
) -> list[RelationComparison]:
    """Looks up the parents of all rows that the snapshot's table has, relation by relation.

    Parents that changed since the snapshot are left out: they may have come or gone.

    Args:
        collection: the children's.
        mapping: knows the parents' collections.
        sort_memory_mb: how much SQLite's sorter may hold before it goes to disk.

    Raises:
        ConfigurationError: the migration has no snapshot.
    """
    snapshot = record.snapshot_path
    plan = plan_migration(mapping, inspect_database(snapshot))
    child = plan.of_table(collection.table)
    if child.table is None:
        return []
    compared = []
    with TableReader(snapshot, child, object_uuid, sort_memory_mb, work_folder.ensure_scratch()) as reader:
        for relation in child.mapping.relations:
            if relation.column not in child.missing_columns:
                parent = plan.of_table(relation.to_table)
                named = reader.named_parents(relation.column, parent)
                parents = client.collections.use(record.collection(parent.mapping))
                parent_table = parent.table.name if parent.table else relation.to_table
                with held_changes(work_folder, record, mapping, parent.mapping) as changes:
                    alias = record.alias(parent.mapping)
                    compared.append(compare_relation(relation, named, parent_table, parents, alias, changes.has))
    return compared


def compare_relation(
    relation: RelationMapping,
    named: Iterable[NamedParent],
    parent_table: str,
    parents: Collection[Any, Any],
    to_collection: str,
    is_changed: Callable[[str | None], bool],
) -> RelationComparison:
    """Looks every parent up that children name.

    Args:
        named: each parent once.
        parent_table: the parent's table as the SQLite file spells it.
        parents: the parent's collection, this migration's.
        to_collection: its alias.
        is_changed: whether a parent, by its UUID, has changed since: it is left out.
    """
    compared = RelationComparison(relation.column, to_collection)
    for group in _groups(named):
        # An orphan's parent would have the UUID that follows from what the child says.
        uuids = [object_uuid(parent_table, (each.value if each.key is None else each.key,)) for each in group]
        present = uuids_present(parents, [uuid for uuid in uuids if uuid is not None])
        for each, uuid in zip(group, uuids, strict=True):
            if not is_changed(uuid):
                _note(compared, each, uuid in present)
    return compared


def _note(compared: RelationComparison, named: NamedParent, present: bool) -> None:
    shown = key_text((named.value,))
    compared.parents += 1
    if named.key is None:
        compared.orphans += 1
        compared.orphaned_children += named.children
        _remember(compared.first_orphans, shown)
    if named.key is None and present:
        compared.invented += 1
        _remember(compared.first_invented, shown)
    if named.key is not None and not present:
        compared.lost += 1
        _remember(compared.first_lost, shown)


def _remember(first: list[str], shown: str) -> None:
    if len(first) < SHOWN_PARENTS:
        first.append(shown)


def _named(first: list[str]) -> str:
    return f"first {', '.join(first[:3])}"


def _groups(named: Iterable[NamedParent]) -> Iterator[list[NamedParent]]:
    source = iter(named)
    while group := list(islice(source, PARENTS_PER_REQUEST)):
        yield group
