"""The application's own queries: whether Weaviate finds what they have to find, and how SQLite answers the same.

It is the acceptance test of those who know what their readers look for. The other checks know the rows only.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from weaviate.collections import Collection

from weaviate_migration.base.errors import SourceError, TargetError, TransientTargetError
from weaviate_migration.base.texts import counted
from weaviate_migration.mapping import Mapping, VectorMapping
from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.mapping.parents import stored
from weaviate_migration.mapping.queries import Key, Query
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.validation.settling import Settling
from weaviate_migration.source.connect import readable_source
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan, key_affinities, plan_migration
from weaviate_migration.source.timed_select import SelectedRows, TimedSelects, opened_for_selects
from weaviate_migration.target.application_queries import FoundObjects, first_found
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.record import MigrationRecord

TIMES_ASKED = 3
"""A time is the median of so many; of one that takes longer than a second, its own."""
_SLOW_SECONDS = 1.0
SHOWN_KEYS = 5

VectorOf = Callable[[VectorMapping, str], Sequence[float] | None]
"""Gives the vector of a query's text; None where the server makes it."""
_Timed = TypeVar("_Timed", FoundObjects, SelectedRows)


def vectors_of_queries(models: OpenModels, mapping: Mapping) -> VectorOf:
    """Makes the vectors of queries' texts as those of the rows were made: through the cache, by the vector's model."""

    def vector_of(vector: VectorMapping, text: str) -> Sequence[float] | None:
        if vector.model is None:  # The server's module makes it.
            return None
        (made,) = models.embedder(mapping, vector).vectors_of([vector.query_prefix + text])
        assert made is not None, "there is a text"
        numbers: list[float] = made.tolist()
        return numbers

    return vector_of


class _NotAskableError(Exception):
    """Why a query cannot be asked as it stands."""


@dataclass(frozen=True)
class AskedQuery:
    """What both sides answered to a query.

    Attributes:
        missing: keys that are not among Weaviate's first k, and have to be.
        missed_by_sql: of the keys that have to be found, those that are not among SQLite's first k; None without SQL.
        selected: how many rows SQLite gives, k at most, but for those that changed since; None without SQL.
        shared: how many of these are among Weaviate's first k.
        seconds: that Weaviate took, as its client measures it; without the making of a vector from the text.
        sql_seconds: that SQLite took.
        problem: why Weaviate gave no answer, or nothing could be asked; '' where it did.
        sql_problem: why SQLite gave none.
    """

    query: Query
    missing: tuple[str, ...] = ()
    missed_by_sql: tuple[str, ...] | None = None
    selected: int | None = None
    shared: int | None = None
    seconds: float | None = field(default=None, compare=False)
    sql_seconds: float | None = field(default=None, compare=False)
    problem: str = ""
    sql_problem: str = ""

    @property
    def share(self) -> float | None:
        """How much of what SQLite gives Weaviate gives too; None where it gives nothing, or was not asked."""
        return self.shared / self.selected if self.selected and self.shared is not None else None

    @property
    def passed(self) -> bool:
        """Whether the answer is what the query says it has to be."""
        return not self.shortcomings

    @property
    def shortcomings(self) -> list[str]:
        """What is wrong with it."""
        told = [each for each in (self.problem, self.sql_problem) if each]
        if self.missing:
            few = len(self.missing) == 1
            found = " (nor does SQLite find " + ("it)" if few else "them all)") if self.missed_by_sql else ""
            told.append(f"{_listed(self.missing)} {'is' if few else 'are'} not among the first {self.query.k}{found}")
        if self.share is not None and self.share < self.query.share_wanted:
            told.append(
                f"of the {counted(self.selected or 0, 'row')} that SQLite gives first, {self.shared} are among the "
                f"first {self.query.k}, and {self.query.share_wanted:.0%} are wanted"
            )
        return told

    def to_text(self) -> str:
        """What is wrong, as one sentence: `pasta: 17 is not among the first 10`."""
        return f"{self.query.name}: {'; '.join(self.shortcomings)}"


@dataclass(frozen=True)
class QueryComparison:
    """What became of all queries about some collections."""

    asked: tuple[AskedQuery, ...]

    @property
    def failures(self) -> list[AskedQuery]:
        """Those that were not answered as they have to be."""
        return [each for each in self.asked if not each.passed]

    @property
    def median_seconds(self) -> float | None:
        """Of Weaviate; None where nothing was answered."""
        return _median([each.seconds for each in self.asked])

    @property
    def median_sql_seconds(self) -> float | None:
        """Of SQLite; None where nothing was asked of it."""
        return _median([each.sql_seconds for each in self.asked])

    def to_text(self) -> str:
        """One sentence for people."""
        times = [
            f"{side} {1000 * seconds:.2f} ms"
            for side, seconds in (("Weaviate", self.median_seconds), ("SQLite", self.median_sql_seconds))
            if seconds is not None
        ]
        took = f" Median: {', '.join(times)}." if times else ""
        if failures := self.failures:
            told = "; ".join(each.to_text() for each in failures)
            return f"{len(failures)} of {len(self.asked)} failed: {told}.{took}"
        return f"All {len(self.asked)} found what they have to find.{took}"


@dataclass(frozen=True)
class QuerySource:
    """The SQLite side of the queries: what the file's keys are, and what answers their SQL."""

    plan: MigrationPlan
    selects: TimedSelects


@contextmanager
def opened_query_source(path: Path, mapping: Mapping, work_folder: WorkFolder) -> Iterator[QuerySource]:
    """Opens a snapshot or the source itself to read.

    Raises:
        SourceError: it cannot be read.
        ConfigurationError: it is not there, or not what the mapping says.
    """
    scratch = work_folder.ensure_scratch()
    with readable_source(path, scratch) as readable:
        plan = plan_migration(mapping, inspect_database(readable, mapping))
        with opened_for_selects(readable, scratch) as selects:
            yield QuerySource(plan, selects)


def query_file(work_folder: WorkFolder, record: MigrationRecord, *, as_it_is_now: bool) -> Path:
    """Where the SQL of queries is asked: of the snapshot, or of the source where that is gone.

    Args:
        as_it_is_now: of the source in any case: its changes are followed.
    """
    snapshot = None if as_it_is_now else work_folder.local_snapshot_if_any(record)
    return snapshot or record.source


def ask_queries(
    queries: Sequence[Query],
    plan: CollectionPlan,
    collection: Collection[Any, Any],
    selects: TimedSelects,
    vector_of: VectorOf,
    is_changed: Callable[[str], bool] = lambda _: False,
) -> QueryComparison:
    """Asks all queries about one collection on both sides.

    Args:
        plan: what the collection is made from.
        selects: answers SQL.
        vector_of: makes a vector of a query's text.
        is_changed: whether the row of an address changed since SQLite's side was as it is: it is not compared.

    Raises:
        TransientTargetError: Weaviate does not answer.
        EmbeddingError: the model that makes a text's vector cannot be had.
    """
    asker, settling = _Asker(plan, collection, selects, vector_of, is_changed), Settling()
    asked = (settling.settled(collection, partial(asker.ask, each), _is_final) for each in queries)
    return QueryComparison(tuple(asked))


def _is_final(asked: AskedQuery) -> bool:
    """Whether another answer would be no other: it is what it has to be, or nothing could be asked."""
    return asked.passed or bool(asked.problem or asked.sql_problem)


@dataclass(frozen=True)
class _Asker:
    plan: CollectionPlan
    collection: Collection[Any, Any]
    selects: TimedSelects
    vector_of: VectorOf
    is_changed: Callable[[str], bool]

    def ask(self, query: Query) -> AskedQuery:
        try:
            wanted = {self._uuid(key): key_text(key) for key in map(self._key, query.keys)}
            found = self._found(query)
        except TransientTargetError:
            raise
        except (TargetError, _NotAskableError) as error:
            return AskedQuery(query, problem=str(error))
        missing = tuple(text for uuid, text in wanted.items() if uuid not in found.uuids)
        answered = AskedQuery(query, missing, seconds=found.seconds)
        return answered if query.sql is None else self._compared(answered, query.sql, wanted, found)

    def _found(self, query: Query) -> FoundObjects:
        vector: Sequence[float] | None = query.near_vector
        if query.text is not None:
            vector = self.vector_of(query.vector_in(self.plan.mapping), query.text)
        near = self._uuid(self._key(query.near_key)) if query.near_key is not None else None
        return _timed(lambda: first_found(self.collection, self.plan.mapping, query, vector, near))

    def _compared(self, answered: AskedQuery, sql: str, wanted: dict[str, str], found: FoundObjects) -> AskedQuery:
        """With what SQLite answers."""
        query = answered.query
        try:
            selected = _timed(lambda: self.selects.first_rows(sql, query.k))
            uuids = [self._uuid(self._key_of_row(row)) for row in selected.rows]
        except (SourceError, _NotAskableError) as error:
            told = error.message if isinstance(error, SourceError) else str(error)
            return AskedQuery(query, answered.missing, seconds=found.seconds, sql_problem=told)
        tenant = query.tenant_in(self.plan.mapping)
        compared = [uuid for uuid in uuids if not self.is_changed(address(tenant, uuid))]
        return AskedQuery(
            query,
            answered.missing,
            missed_by_sql=tuple(text for uuid, text in wanted.items() if uuid not in uuids),
            selected=len(compared),
            shared=sum(uuid in found.uuids for uuid in compared),
            seconds=found.seconds,
            sql_seconds=selected.seconds,
        )

    def _uuid(self, key: tuple[SqlValue, ...]) -> str:
        table = self.plan.table.name if self.plan.table else self.plan.mapping.table
        uuid = object_uuid(table, key)
        if uuid is None:
            raise _NotAskableError(f"{key_text(key)} is no key: a part of it is NULL")
        return uuid

    def _key(self, given: Key) -> tuple[SqlValue, ...]:
        """A key as the file holds it: its columns make a text of a number, or a number of a text."""
        parts = given if isinstance(given, tuple) else (given,)
        affinities = key_affinities(self.plan)
        if len(parts) != len(affinities):
            told = counted(len(affinities), "column")
            raise _NotAskableError(f"{key_text(parts)} is no key of {self.plan.mapping.table}, which has {told}")
        return tuple(stored(affinity, part) for affinity, part in zip(affinities, parts, strict=True))

    def _key_of_row(self, row: tuple[SqlValue, ...]) -> tuple[SqlValue, ...]:
        columns = len(key_affinities(self.plan))
        if len(row) < columns:
            raise _NotAskableError(f"its SQL gives {counted(len(row), 'column')}, and the key has {columns}")
        return row[:columns]


def _timed(ask: Callable[[], _Timed]) -> _Timed:
    """The answer, with the median of its times."""
    began, answers = time.monotonic(), [ask()]
    while len(answers) < TIMES_ASKED and time.monotonic() - began < _SLOW_SECONDS:
        answers.append(ask())
    by_time = sorted(answers, key=lambda each: each.seconds)
    return by_time[len(by_time) // 2]


def _median(seconds: Sequence[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return statistics.median(known) if known else None


def _listed(keys: Sequence[str]) -> str:
    more = len(keys) - SHOWN_KEYS
    return ", ".join(keys[:SHOWN_KEYS]) + (f" and {more} more" if more > 0 else "")
