"""Which rows of an extract do not become objects, and why: the one place that decides it.

A row is refused whose key is NULL or given twice, that has no tenant where its collection has tenants, or that holds
what its property cannot hold where the mapping says `on_unfit: refuse`. What Weaviate itself refuses is not known here.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

from weaviate_migration.mapping import CollectionMapping
from weaviate_migration.mapping.object_ids import lacks_tenant
from weaviate_migration.mapping.row_to_object import unfit_judge
from weaviate_migration.phases.history.extract.storage import PartitionExtract
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout

NO_KEY = "a part of its key is NULL"
DUPLICATE_KEY = "its key is given to more than one row"
NO_TENANT = "its tenant is NULL, and the mapping has no name for that: tenant: of_null"

JudgedRow = tuple[ExtractRow, str | None]
"""A row, and the reason why it does not become an object; None where it does, and then it has an address."""


def judged_rows(extract: PartitionExtract, mapping: CollectionMapping) -> Iterator[JudgedRow]:
    """The rows of one partition, in its order, in bounded memory, each with the reason why it is refused, or None."""
    return judged(extract.extract_rows(), mapping, RowLayout.of_schema(extract.schema).columns)


def judged(rows: Iterable[ExtractRow], mapping: CollectionMapping, columns: Sequence[str]) -> Iterator[JudgedRow]:
    """Each row with the reason why it is refused, or None.

    Args:
        rows: rows of one table; those that share an address stand side by side.
        columns: what their values are.
    """
    usable = with_unusable_keys(rows)
    if mapping.tenant is not None and mapping.tenant.of_null is None:
        usable = ((row, reason or _why_no_tenant(row)) for row, reason in usable)
    unfit = unfit_judge(mapping, columns)
    return usable if unfit is None else ((row, reason or unfit(row.values)) for row, reason in usable)


def _why_no_tenant(row: ExtractRow) -> str | None:
    return NO_TENANT if row.uuid is not None and lacks_tenant(row.uuid) else None


def with_unusable_keys(rows: Iterable[ExtractRow]) -> Iterator[JudgedRow]:
    """Each row with the reason why its key cannot be used, or None. Rows that share an address stand side by side."""
    previous: str | None = None
    for row, following in pairwise(chain(rows, [_AFTER_THE_LAST])):
        if row.uuid is None:
            yield row, NO_KEY
        else:
            yield row, DUPLICATE_KEY if row.uuid in (previous, following.uuid) else None
        previous = row.uuid


_AFTER_THE_LAST = ExtractRow(None, (), ())
