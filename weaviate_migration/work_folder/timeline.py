"""How a migration went over time: moments that are noted while something moves, for plots of rate and lag."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as db
from sqlalchemy.engine import Connection

from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.state_tables import moments

# At most so often, for each kind and collection: fine enough for a plot of a minute, and small for one of a day.
SECONDS_BETWEEN_ENTRIES = 1.0
# Then every other moment goes: a sync that follows for months does not fill the disk. So many take 4 MB.
MOST_MOMENTS = 40_000


@dataclass(frozen=True, slots=True)
class LoadMoment:
    """How far the load of a collection was.

    Attributes:
        at: seconds since 1970.
        collection: the alias.
        handled: rows that were written, refused or left out so far.
        refused: those of them that were refused.
        per_second: handled rows a second, of about the last ten seconds.
    """

    at: float
    collection: str
    handled: int
    refused: int
    per_second: float


@dataclass(frozen=True, slots=True)
class LagMoment:
    """How far the sync was behind the source.

    Attributes:
        at: seconds since 1970.
        changes: entries of the change log that were not applied.
        seconds: the age of the oldest of them.
    """

    at: float
    changes: int
    seconds: float


Moment = LoadMoment | LagMoment

_KINDS: dict[str, type[Moment]] = {"load": LoadMoment, "lag": LagMoment}


class KeptHistory:
    """The history of one migration; several processes may note moments at once.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, store: StateStore, migration_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._migration = migration_id
        self._clock = clock
        self._noted_at: dict[str, float] = {}

    def is_due(self, kind: str) -> bool:
        """Whether an entry of this kind (`lag`, or a collection's alias) would be noted now."""
        return self._clock() - self._noted_at.get(kind, float("-inf")) >= SECONDS_BETWEEN_ENTRIES

    def note(self, moment: Moment, *, last: bool = False) -> None:
        """Notes a moment, unless the one before is younger than a second.

        Args:
            last: there will be no other for a while: note it in any case.
        """
        kind = moment.collection if isinstance(moment, LoadMoment) else "lag"
        if last or self.is_due(kind):
            self._store.run(partial(_add_one, self._migration, moment), durable=False)
            self._noted_at[kind] = self._clock()


def read_history(store: StateStore, migration_id: str) -> list[Moment]:
    """All that was noted of a migration, in the order of its noting; nothing where nothing was."""
    with store.reading() as connection:
        return _all(connection, migration_id)


def _all(connection: Connection, migration_id: str) -> list[Moment]:
    wanted = db.select(moments.c.kind, moments.c.content).where(moments.c.migration == migration_id)
    rows = connection.execute(wanted.order_by(moments.c.number)).all()
    return [_KINDS[row.kind](**json.loads(row.content)) for row in rows]


def take_over(folder: Path, store: StateStore) -> list[Path]:
    """Takes over what an earlier version has kept in files of lines, `history/<migration>.jsonl`, and returns these.

    What was taken over from a file before is there once; what this version has noted, before an earlier one was taken
    again, stays.
    """
    paths = sorted((folder / "history").glob("*.jsonl"))
    for path in paths:
        with store.transaction() as connection:
            kept = set(_all(connection, path.stem))
            lines = _moments_in_lines(path.read_text(encoding="utf-8"))
            _add(connection, path.stem, (each for each in lines if each not in kept))
    return paths


def _moments_in_lines(text: str) -> Iterator[Moment]:
    for line in text.splitlines():
        with suppress(ValueError):  # Half a line: the process was killed while it wrote.
            entry = json.loads(line)
            yield _KINDS[entry.pop("kind")](**entry)


def _add_one(migration_id: str, moment: Moment, connection: Connection) -> None:
    _add(connection, migration_id, [moment])
    _thin_out(connection, migration_id)


def _add(connection: Connection, migration_id: str, found: Iterable[Moment]) -> None:
    kinds = {kind: name for name, kind in _KINDS.items()}
    rows = [
        {"migration": migration_id, "kind": kinds[type(each)], "content": json.dumps(asdict(each), ensure_ascii=False)}
        for each in found
    ]
    if rows:
        connection.execute(moments.insert(), rows)


def _thin_out(connection: Connection, migration_id: str) -> None:
    """Where there are too many, every other one goes."""
    ours = moments.c.migration == migration_id
    if (connection.scalar(db.select(db.func.count()).where(ours)) or 0) > MOST_MOMENTS:
        place = db.func.row_number().over(order_by=moments.c.number).label("place")
        placed = db.select(moments.c.number, place).where(ours).subquery()
        every_other = db.select(placed.c.number).where(placed.c.place % 2 == 0)
        connection.execute(moments.delete().where(moments.c.number.in_(every_other)))
