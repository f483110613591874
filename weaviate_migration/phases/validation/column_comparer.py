"""Many rows and their objects at once, column by column: whether they agree, as `RowComparer` would judge each.

It says yes or no, and no wherever it is not sure. What it does not agree with, `RowComparer` judges row by row and
names. Both of its questions are asked here, too: each property by what it means, and the whole row as it is rebuilt.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec

from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import object_uuid, split_address
from weaviate_migration.mapping.object_to_row import (
    VectorInverse,
    from_verbatim,
    holding_properties,
    holding_vectors,
    inverse,
    vector_inverse,
)
from weaviate_migration.mapping.row_to_object import key_text, unfit_judge
from weaviate_migration.mapping.tenants import tenant_name
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.phases.history.extract.storage_classes import RowColumns, RowLayout
from weaviate_migration.phases.validation.expected_vectors import ExpectedVectors, judged_vectors
from weaviate_migration.phases.validation.meaning import Judge, judge
from weaviate_migration.phases.validation.meaning_of_parents import parent_meant
from weaviate_migration.phases.validation.meaning_of_vectors import numbers_of
from weaviate_migration.phases.validation.partition_comparison import VectorCounts
from weaviate_migration.phases.validation.verdicts import Agreement
from weaviate_migration.target.object_pages import ObjectColumns
from weaviate_migration.vectors.made_vectors import NO_MADE_VECTORS, MadeVectors

_Column = Sequence[Any]
_Written = dict[str, list[SqlValue]]
"""Dates and UUIDs by property, as their inverse writes them; without those whose texts are not canonical."""

# As REST writes a date with what Python holds of a second; each of a column with a line of its own.
_DATES = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,5}[1-9])?Z\n)*", re.ASCII).fullmatch

# UUIDs in canonical form; each of a column with a line of its own.
_UUIDS = re.compile(r"(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\n)*").fullmatch

# A fraction that has less than six digits.
_SHORT_FRACTION = re.compile(r"\.\d{1,5}(?=Z)", re.ASCII).sub

_read_source_columns = msgspec.json.Decoder(dict[str, Any]).decode
# What damaged objects make the functions raise that are made for one object; the row-by-row way then meets it, too.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class ColumnComparer:
    """Compares rows of one table with their objects, all of them at once.

    Args:
        mapping: the collection's part of the mapping.
        layout: what the rows are.
        migration_timestamp: what all objects say of when the migration began, RFC 3339.
        made: the vectors that models have made.
    """

    def __init__(
        self,
        mapping: CollectionMapping,
        layout: RowLayout,
        migration_timestamp: str,
        made: MadeVectors = NO_MADE_VECTORS,
    ) -> None:
        self._layout = layout
        self._columns = set(layout.columns)
        self._began = datetime.fromisoformat(migration_timestamp)
        self._unfit = unfit_judge(mapping, layout.columns)
        position_of = {folded(name): position for position, name in enumerate(layout.columns)}
        self._judges = [(prop, position_of.get(folded(prop.column)), judge(prop)) for prop in mapping.properties]
        self._writers = [
            (prop.name, _WRITERS[prop.type])
            for prop in mapping.properties
            if prop.type in _WRITERS and prop.date_format == "text"
        ]
        self._holders = list(
            zip(holding_properties(mapping, layout.columns), holding_vectors(mapping, layout.columns), strict=True)
        )
        self._tenant = mapping.tenant
        self._tenant_position = position_of[folded(mapping.tenant.column)] if mapping.tenant is not None else -1
        self._parents = [
            (each.parent_id, layout.columns.index(each.column), parent_meant(each))
            for each in layout.parents
            if each.parent_id
        ]
        self._references = {
            each.reference: (layout.columns.index(each.column), parent_meant(each))
            for each in layout.parents
            if each.reference
        }
        absent = {prop.name for prop in mapping.parent_properties} - {each.parent_id for each in layout.parents}
        self._without_column = sorted(absent)
        self._vectors = ExpectedVectors(mapping, layout.columns, made)

    def agree(self, rows: RowColumns, objects: ObjectColumns) -> bool:
        """Whether each row has its object, in their order, which says what the row says, and there are no others."""
        return self.agreement(rows, objects) is not None

    def agreement(self, rows: RowColumns, objects: ObjectColumns) -> Agreement | None:
        """The same, and what there is to say of the objects' vectors; None where they do not agree."""
        try:
            if not self._agree_without_vectors(rows, objects):
                return None
            vectors = self._judged_vectors(rows, objects)
        except _UNREADABLE:
            return None
        # Of one that nobody knows nothing is sure.
        return None if any(each.differing or each.unknown for each in vectors.values()) else Agreement(rows, vectors)

    def _agree_without_vectors(self, rows: RowColumns, objects: ObjectColumns) -> bool:
        if rows.uuids != objects.uuids or not _ascend(objects.uuids):
            return False
        written = self._written(objects)
        return (
            self._become_objects(rows)
            and self._come_from(rows, objects)
            and self._tell(rows, objects, written)
            and all(self._means(each, rows, objects, written) for each in self._judges)
            and all(_name_parents(*each, rows, objects) for each in self._parents)
            and all(self._refers(name, led_to, rows) for name, led_to in objects.references.items())
            and all(set(objects.properties[name]) <= {None} for name in self._without_column)
        )

    def _written(self, objects: ObjectColumns) -> _Written:
        """Properties whose texts are all canonical."""
        written = {name: write(objects.properties[name]) for name, write in self._writers}
        return {name: texts for name, texts in written.items() if texts is not None}

    def _become_objects(self, rows: RowColumns) -> bool:
        """Whether no row is one of those that the mapping has refused."""
        return self._unfit is None or not any(map(self._unfit, zip(*rows.columns, strict=True)))

    def _come_from(self, rows: RowColumns, objects: ObjectColumns) -> bool:
        """Whether the provenance is that of these rows, and each address follows from tenant and key."""
        told = objects.provenance
        return (
            all(each is True for each in told["migrated_from_sqlite"])
            and all(datetime.fromisoformat(each) == self._began for each in set(told["migration_timestamp"]))
            and self._have_addresses(rows, told["original_id"], objects.uuids)
        )

    def _have_addresses(self, rows: RowColumns, original_ids: _Column, addresses: list[str]) -> bool:
        if self._tenant is None:
            return self._have_keys(rows, original_ids, addresses)
        tenants = [tenant_name(value, self._tenant.of_null) for value in rows.columns[self._tenant_position]]
        told = list(map(split_address, addresses))
        return [tenant for tenant, _ in told] == tenants and self._have_keys(
            rows, original_ids, [uuid for _, uuid in told]
        )

    def _have_keys(self, rows: RowColumns, original_ids: _Column, uuids: _Column) -> bool:
        if rows.keys == [original_ids] and original_ids == uuids:
            return True  # Keys that are UUIDs themselves, as canonical as those of the server.
        keys = list(zip(*rows.keys, strict=True))
        return list(map(key_text, keys)) == original_ids and all(
            object_uuid(self._layout.table, key) == uuid for key, uuid in zip(keys, uuids, strict=True)
        )

    def _tell(self, rows: RowColumns, objects: ObjectColumns, written: _Written) -> bool:
        """Whether the rows can be rebuilt from the objects alone: same storage classes, same bytes."""
        try:
            kept = [_read_source_columns(each or "{}") for each in objects.provenance["source_columns"]]
        except msgspec.MsgspecError:
            return False
        kept_by = Counter(chain.from_iterable(kept))
        if not kept_by.keys() <= self._columns:
            return False
        for name, (prop, vectors), values in zip(self._layout.columns, self._holders, rows.columns, strict=True):
            if kept_by[name] == len(kept):
                rebuilt = _restored([each[name] for each in kept])
            else:
                rebuilt = _inverse_vectors(vectors, objects) if vectors else _inverse(prop, objects, written)
                if kept_by[name]:
                    pairs = zip(kept, rebuilt, strict=True)
                    rebuilt = [from_verbatim(each[name]) if name in each else value for each, value in pairs]
            if not _same(values, rebuilt):
                return False
        return True

    def _means(
        self,
        judged: tuple[PropertyMapping, int | None, Judge],
        rows: RowColumns,
        objects: ObjectColumns,
        written: _Written,
    ) -> bool:
        """Whether a property says in each object what its column means."""
        prop, position, agrees = judged
        found = objects.properties[prop.name]
        values: _Column = rows.columns[position] if position is not None else [None] * len(rows)
        if _is_text(prop) and found == values:
            return True
        if prop.name in written and written[prop.name] == values:
            return True
        return all(map(agrees, values, _as_client_returns(prop, found)))

    def _refers(self, name: str, led_to: list[tuple[str, ...]], rows: RowColumns) -> bool:
        """Whether a reference of each object leads to the parent that its row names, and to nothing else."""
        if name not in self._references:
            return not any(led_to)
        position, meant = self._references[name]
        return [() if parent is None else (parent,) for parent in map(meant, rows.columns[position])] == led_to

    def _judged_vectors(self, rows: RowColumns, objects: ObjectColumns) -> dict[str, VectorCounts]:
        if not self._vectors.compared:
            return {}
        expected = self._vectors.of(rows.columns, len(rows))
        return {
            each.name: judged_vectors(each, expected[each.name], objects.vectors.get(each.name, []))
            for each in self._vectors.compared
        }


def _name_parents(
    name: str, position: int, meant: Callable[[SqlValue], str | None], rows: RowColumns, objects: ObjectColumns
) -> bool:
    """Whether each object has the UUID of the parent that its row names; those of REST are canonical, as are ours."""
    return list(map(meant, rows.columns[position])) == objects.properties[name]


def _ascend(uuids: list[str]) -> bool:
    """Whether each address is there once, and they are in their order."""
    return uuids == sorted(set(uuids))


def _is_text(prop: PropertyMapping) -> bool:
    """Whether the property is its column's text itself, without anything that stands in for it."""
    return prop.type == "text" and prop.default is None and prop.json_key is None


def _restored(kept: list[Any]) -> list[SqlValue]:
    """Values of `source_columns`."""
    return list(map(from_verbatim, kept)) if dict in set(map(type, kept)) else kept


def _inverse(prop: PropertyMapping | None, objects: ObjectColumns, written: _Written) -> list[SqlValue]:
    """A column as its property tells it; NULLs where no property holds it."""
    if prop is None:
        return [None] * len(objects)
    found = objects.properties[prop.name]
    if prop.type in ("text", "int", "number") and prop.decimal is None:
        return found
    if prop.name in written:
        return written[prop.name]
    return list(map(inverse(prop), _as_client_returns(prop, found)))


def _inverse_vectors(vectors: Sequence[VectorMapping], objects: ObjectColumns) -> list[SqlValue]:
    """A column as its vectors tell it: the first of them that an object has; NULL where it has none."""
    rebuilt: list[SqlValue] = [None] * len(objects)
    for vector in reversed(vectors):
        told: Sequence[SqlValue] = objects.vectors[vector.name]
        if vector.bytes not in (None, "float32"):
            told = list(map(partial(_inverse_vector, vector_inverse(vector)), objects.vectors[vector.name]))
        rebuilt = [earlier if each is None else each for earlier, each in zip(rebuilt, told, strict=True)]
    return rebuilt


def _inverse_vector(restore: VectorInverse, float32s: bytes | None) -> SqlValue:
    return None if float32s is None else restore(numbers_of(float32s))


def _same(one: list[SqlValue], other: list[SqlValue]) -> bool:
    """Whether two columns hold the same values: storage classes and signs included, which `==` takes no notice of."""
    types = list(map(type, one))
    if one != other or types != list(map(type, other)):
        return False
    return float not in types or 0.0 not in one or list(map(repr, one)) == list(map(repr, other))


def _cut(dates: _Column) -> list[SqlValue] | None:
    """Dates as the inverse of a date writes them, cut from their texts.

    Returns:
        None where one is not as REST writes what a microsecond holds, or is no date to Python.
    """
    present = [each for each in dates if each is not None]
    lines = "".join([f"{each}\n" for each in present])
    if not _DATES(lines) or not all(map(datetime.fromisoformat, present)):
        return None
    padded = _SHORT_FRACTION(lambda fraction: f"{fraction[0]:0<7}", lines)
    found = iter(padded.replace("T", " ").replace("Z", "").splitlines())
    return [each and next(found) for each in dates]


def _canonical(uuids: _Column) -> list[SqlValue] | None:
    """UUIDs as they are; None where one is not in canonical form."""
    lines = "".join([f"{each}\n" for each in uuids if each is not None])
    return list(uuids) if _UUIDS(lines) else None


_WRITERS: dict[str, Callable[[_Column], list[SqlValue] | None]] = {"date": _cut, "uuid": _canonical}


def _as_client_returns(prop: PropertyMapping, found: _Column) -> _Column:
    """A property of REST as weaviate-client returns it: dates with a time zone, in microseconds; UUIDs."""
    if (read := _READERS.get(prop.type)) is None:
        return found
    return [None if each is None else read(each) for each in found]


def _moments(dates: list[str]) -> list[datetime]:
    return list(map(datetime.fromisoformat, dates))


_READERS: dict[str, Callable[[Any], Any]] = {"date": datetime.fromisoformat, "date[]": _moments, "uuid": UUID}
