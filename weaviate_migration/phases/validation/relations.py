"""Relations: each child's parent is in its collection exactly where it is in the source."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.mapping import CollectionMapping, Mapping, RelationMapping
from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.changes import held_changes
from weaviate_migration.phases.validation.meaning_of_parents import parent_meant
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, plan_migration
from weaviate_migration.source.rows import NamedParent, TableReader
from weaviate_migration.target.read_back import uuids_present
from weaviate_migration.target.replicas import open_collection
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

UuidOf = Callable[[SqlValue], str | None]

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
        astray: parents that the source has, and that the UUIDs in their children's objects do not lead to: the children
            spell the key otherwise, as a collation or the lack of a type allows; `astray_children` are these rows.
        first_orphans, first_lost, first_invented, first_astray: the first of them, as people see keys.
    """

    column: str
    to_collection: str
    parents: int = 0
    orphans: int = 0
    orphaned_children: int = 0
    lost: int = 0
    invented: int = 0
    astray: int = 0
    astray_children: int = 0
    first_orphans: list[str] = field(default_factory=list)
    first_lost: list[str] = field(default_factory=list)
    first_invented: list[str] = field(default_factory=list)
    first_astray: list[str] = field(default_factory=list)

    def without_orphans(self) -> "RelationComparison":
        """The same, but for what it says of parents that the source does not have: another one has said it."""
        return replace(self, orphans=0, orphaned_children=0, first_orphans=[])

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
        if self.astray:
            text += (
                f"; {self.astray_children} rows spell the keys of {self.astray} parents otherwise than the parents do, "
                f"so that the UUIDs in their objects lead nowhere ({_named(self.first_astray)})"
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
    snapshot = work_folder.local_snapshot(record)
    plan = plan_migration(mapping, inspect_database(snapshot, mapping))
    child = plan.of(collection)
    if child.table is None:
        return []
    compared = []
    with TableReader(snapshot, child, object_uuid, sort_memory_mb, work_folder.ensure_scratch()) as reader:
        for relation in child.mapping.relations:
            if relation.column in child.missing_columns:
                continue
            among = plan.parents_of(relation)
            for at, parent in enumerate(among):
                others = [each for each in among if each is not parent]
                named = reader.named_parents(relation.column, parent, others)
                parents = open_collection(client, record.collection(parent.mapping))
                parent_table = parent.table.name if parent.table else relation.to_table
                said = _said_by_objects(child, relation)
                with held_changes(work_folder, record, mapping, parent.mapping) as changes:
                    alias = record.alias(parent.mapping)
                    one = compare_relation(relation, named, parent_table, parents, alias, changes.has, said)
                    # An orphan's parent is looked for in each of them, and missed in the source once.
                    compared.append(one if at == 0 else one.without_orphans())
    return compared


def _said_by_objects(child: CollectionPlan, relation: RelationMapping) -> UuidOf | None:
    """What the children's objects have as the UUID of their parent, by the column's value; None where they say none."""
    names = (relation.parent_id or "", relation.reference or "")
    parent = next((each for each in child.parents if (each.parent_id, each.reference) == names), None)
    return parent_meant(parent) if parent is not None else None


def compare_relation(
    relation: RelationMapping,
    named: Iterable[NamedParent],
    parent_table: str,
    parents: Collection[Any, Any],
    to_collection: str,
    is_changed: Callable[[str | None], bool],
    said: UuidOf | None = None,
) -> RelationComparison:
    """Looks every parent up that children name.

    Args:
        named: each parent once.
        parent_table: the parent's table as the SQLite file spells it.
        parents: the parent's collection, this migration's.
        to_collection: its alias.
        is_changed: whether a parent, by its address, has changed since: it is left out.
        said: gives the UUID that the objects of children with a value say; None where they say none.
    """
    compared = RelationComparison(relation.column, to_collection)
    named_by_orphans = said or (lambda value: object_uuid(parent_table, (value,)))
    for group in _groups(named):
        # An orphan's parent would have the UUID that follows from what the child says.
        uuids = [
            named_by_orphans(each.value) if each.key is None else object_uuid(parent_table, (each.key,))
            for each in group
        ]
        addresses = list(map(_address, group, uuids))
        present = uuids_present(parents, [where for where in addresses if where is not None])
        for each, uuid, where in zip(group, uuids, addresses, strict=True):
            if not is_changed(where):
                _note(compared, each, where in present)
                if said is not None and each.key is not None and said(each.value) != uuid:
                    _note_astray(compared, each)
    return compared


def _address(named: NamedParent, uuid: str | None) -> str | None:
    """Where the parent's object is to be; None where no tenant could have it: an orphan does not tell its parent's."""
    return None if uuid is None or named.tenant == "" else address(named.tenant, uuid)


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


def _note_astray(compared: RelationComparison, named: NamedParent) -> None:
    compared.astray += 1
    compared.astray_children += named.children
    _remember(compared.first_astray, key_text((named.value,)))


def _remember(first: list[str], shown: str) -> None:
    if len(first) < SHOWN_PARENTS:
        first.append(shown)


def _named(first: list[str]) -> str:
    return f"first {', '.join(first[:3])}"


def _groups(named: Iterable[NamedParent]) -> Iterator[list[NamedParent]]:
    source = iter(named)
    while group := list(islice(source, PARENTS_PER_REQUEST)):
        yield group
