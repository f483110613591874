"""Verdicts on a collection with replicas: what a node has missed while it was away is not missing."""

from collections.abc import Iterable, Iterator
from typing import Any

from weaviate.collections import Collection

from weaviate_migration.base.bundles import bundled
from weaviate_migration.phases.history.extract.storage_classes import BATCH_SIZE, size_of
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.phases.validation.verdicts import Verdict, judge_objects
from weaviate_migration.target.failures import target_errors
from weaviate_migration.target.read_back import mapped_objects_by_uuid
from weaviate_migration.target.replicas import is_there

_AT_ONCE = 100


def looked_at_again(
    verdicts: Iterable[Verdict], comparer: RowComparer, collection: Collection[Any, Any]
) -> Iterator[Verdict]:
    """The verdicts, where an object that is missing, or is there without a row, is asked for by its id.

    Args:
        comparer: that made the verdicts.
        collection: with replicas.
    """
    for some in bundled(verdicts, _size, _AT_ONCE, BATCH_SIZE):
        missed = [each.row.uuid for each in some if each.row is not None and each.row.uuid and _is_missing(each)]
        found = mapped_objects_by_uuid(collection, comparer.mapping, missed) if missed else {}
        for each in some:
            if each.row is not None and (stored := found.get(each.row.uuid or "")) is not None:
                yield from judge_objects(comparer, [(each.row, None)], [stored])
            elif each.row is not None or each.found is None or _is_there(collection, each.found.uuid):
                yield each


def _size(verdict: Verdict) -> int:
    return size_of(verdict.row) if verdict.row is not None else 0


def _is_missing(verdict: Verdict) -> bool:
    return verdict.found is None and verdict.refused is None


@target_errors("reading an object")
def _is_there(collection: Collection[Any, Any], of_object: str) -> bool:
    return is_there(collection, of_object)
