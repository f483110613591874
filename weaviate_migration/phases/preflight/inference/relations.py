"""Which columns hold the key of a row of another table: foreign keys that are declared, and names that say so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from weaviate_migration.mapping.names import folded
from weaviate_migration.phases.preflight.inference.names import spoken_words
from weaviate_migration.source.foreign_keys import ForeignKey
from weaviate_migration.source.inspect import Table

# How a column is called that holds a key of its own table.
_PARENT = "parent"


@dataclass(frozen=True)
class KeyedTable:
    """A table that becomes a collection.

    Attributes:
        key: the columns that tell its rows apart; the rowid's name where nothing else does.
        collection: the collection's name.
    """

    table: Table
    key: tuple[str, ...]
    collection: str


@dataclass(frozen=True)
class Candidate:
    """A column that may hold keys of another table.

    Attributes:
        parent: whose keys; one column tells its rows apart.
        declared: whether a foreign key says so; otherwise the column's name does.
    """

    column: str
    parent: KeyedTable
    declared: bool


@dataclass(frozen=True)
class Candidates:
    """Which relations a table may have, and why declared foreign keys are none."""

    found: tuple[Candidate, ...]
    remarks: tuple[str, ...]


def candidates(table: Table, foreign_keys: Sequence[ForeignKey], tables: Mapping[str, KeyedTable]) -> Candidates:
    """Looks for the columns of a table that may hold keys of another one, or of its own.

    Args:
        tables: those that become collections, by their names, folded.
    """
    declared: dict[str, Candidate] = {}
    remarks = []
    for each in foreign_keys:
        parent = tables.get(folded(each.to_table))
        if parent is None or (remark := _why_no_relation(each, parent)):
            remarks.append(remark if parent else f"{_shown(each)}: that table has no collection")
        elif (column := table.column(each.columns[0])) is not None:
            declared.setdefault(folded(column.name), Candidate(column.name, parent, declared=True))
    named = [each for each in _named(table, tables) if folded(each.column) not in declared]
    return Candidates((*declared.values(), *named), tuple(remarks))


def _why_no_relation(foreign_key: ForeignKey, parent: KeyedTable) -> str:
    if len(foreign_key.columns) > 1:
        return f"{_shown(foreign_key)}: a relation is of one column"
    to_columns = foreign_key.to_columns or parent.table.primary_key
    if len(parent.key) != 1 or tuple(map(folded, to_columns)) != tuple(map(folded, parent.key)):
        return f"{_shown(foreign_key)}: that is not what tells its rows apart"
    return ""


def _shown(foreign_key: ForeignKey) -> str:
    to_columns = f" ({', '.join(foreign_key.to_columns)})" if foreign_key.to_columns else ""
    return f"foreign key {', '.join(foreign_key.columns)} to {foreign_key.to_table}{to_columns}"


def _named(table: Table, tables: Mapping[str, KeyedTable]) -> Iterator[Candidate]:
    """The columns that are called after one table: `user_id`, `userId`; or after the parent in their own."""
    for column in table.columns:
        *stem, last = spoken_words(column.name) or [""]
        if last != "id" or not stem:
            continue
        called = "".join(stem)
        parents = [
            each
            for name, each in tables.items()
            if (name == folded(table.name) if called == _PARENT else called in (name, folded(each.collection)))
        ]
        if len(parents) == 1 and len(parents[0].key) == 1:
            yield Candidate(column.name, parents[0], declared=False)


def parents_first(tables: Iterable[str], parents: Mapping[str, Iterable[str]]) -> list[str]:
    """The tables in an order in which parents stand before their children, as far as there are no circles.

    Args:
        tables: in the order that holds where relations say nothing.
        parents: of each table; those that are not among the tables count for nothing.
    """
    waiting = list(tables)
    ordered: list[str] = []
    missing = {table: {*parents.get(table, ())} & {*waiting} - {table} for table in waiting}
    while waiting:
        placed = set(ordered)
        ready = next((each for each in waiting if missing[each] <= placed), None)
        ordered.append(ready if ready is not None else min(waiting, key=lambda each: len(missing[each] - placed)))
        waiting.remove(ordered[-1])
    return ordered
