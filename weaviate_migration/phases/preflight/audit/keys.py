"""The keys of one table: NULL, given twice, different only in case, or too unevenly spread for even partitions.

They are compared on disk, in a database of their own: memory stays bounded, and no long statement holds up writers of
the source. Where the file itself lets no key be given twice, only texts are compared, for their case; all UUIDs differ
then, so the partitions are even. Those texts wait, many in a row of the database, until one has an upper-case
letter: without any, none differ only in case. As a rule that is all that becomes of them.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise, repeat
from pathlib import Path

from weaviate_migration.mapping.object_ids import address, object_uuid
from weaviate_migration.mapping.row_to_object import key_text
from weaviate_migration.mapping.values import SqlValue, is_utf8
from weaviate_migration.phases.preflight.audit.report import KeyReport
from weaviate_migration.phases.preflight.audit.tally import EXAMPLES, Tally
from weaviate_migration.source.connect import made_on_disk, source_errors
from weaviate_migration.source.plan import CollectionPlan

# With fewer rows partitions of any size do no harm.
UNEVEN_FROM_ROWS = 1_000
UNEVEN_FACTOR = 2

# The rows before each partition: it begins with a group of rows of one identity that a quantile falls into, and before
# row n are ceil(n * partitions / rows) quantiles.
_STARTS = """
WITH groups AS (SELECT identity, count(*) AS members FROM keys GROUP BY identity),
     placed AS (SELECT sum(members) OVER (ORDER BY identity) AS before_next, members FROM groups)
SELECT before_next - members FROM placed
WHERE (before_next * :partitions + :rows - 1) / :rows > ((before_next - members) * :partitions + :rows - 1) / :rows
ORDER BY before_next
"""

Key = tuple[SqlValue, ...]


class KeyAudit:
    """Looks at all keys of one table.

    Args:
        partitions: into how many the table is to be cut.
        folder: for what is kept on disk; it has to be there until `report` was called.
    """

    def __init__(self, plan: CollectionPlan, partitions: int, folder: Path) -> None:
        assert plan.table is not None
        self._partitions = partitions
        self._plan = plan
        self._table = plan.table.name
        self._null = Tally()
        self._usable = 0
        self._have_upper_case = False
        self._is_unique = _is_unique(plan)
        self._path = folder / "keys.sqlite"
        self._connection = made_on_disk(
            self._path,
            # Deprecated, but SQLite reads TMPDIR only once in a process, and /tmp is often too small for a sort.
            f"PRAGMA temp_store_directory = '{str(folder).replace(chr(39), chr(39) * 2)}'",
            "CREATE TABLE keys (identity TEXT, shown TEXT, lower TEXT, refused INTEGER)",
            "CREATE TABLE waiting (shown TEXT)",
        )

    def close(self) -> None:
        """Forgets the keys."""
        self._connection.close()

    def add(
        self, keys: Sequence[Key], tenants: Sequence[str] | None, rowids: Sequence[SqlValue], refused: set[int]
    ) -> None:
        """Looks at the keys of one slice.

        Args:
            tenants: of their rows: in another tenant a key is another one; None where the collection has none.
            rowids: of their rows, by which those are named whose key is NULL; empty where there are none.
            refused: the rows that go to quarantine for their own sake, those whose key is NULL among them.
        """
        for row in sorted(refused):
            if None in keys[row]:
                self._null.add(row, lambda row: f"rowid {rowids[row]!r}" if rowids else key_text(keys[row]))
        usable = [key for key in keys if None not in key]
        self._usable += len(usable)
        if self._is_unique:
            self._wait_or_keep([key for key in usable if str in map(type, key)])
        else:
            uuids = [object_uuid(self._table, key) for key in keys]
            addresses = map(address, tenants or repeat(None), [uuid or "" for uuid in uuids])
            identities = [where for where, uuid in zip(addresses, uuids, strict=False) if uuid is not None]
            self._keep(identities, usable, [row in refused for row, key in enumerate(keys) if None not in key])

    @property
    def refused(self) -> int:
        """Rows that go to quarantine for nothing but a key that another row has, too."""
        if self._is_unique:
            return 0
        groups = "SELECT count(*) - sum(refused) AS rows FROM keys GROUP BY identity HAVING count(*) > 1"
        with source_errors(self._path):
            return self._number(f"SELECT coalesce(sum(rows), 0) FROM ({groups})")

    def report(self) -> KeyReport:
        """What was found."""
        with source_errors(self._path):
            duplicate, duplicate_examples = (0, ()) if self._is_unique else self._groups("identity", "count(*)")
            case_only, case_only_examples = (
                self._groups("lower", "count(DISTINCT shown)") if self._have_upper_case else (0, ())
            )
            largest = self._largest_partition()
        return KeyReport(
            columns=self._plan.key,
            uses_rowid=self._plan.uses_rowid,
            null=self._null.count,
            null_examples=tuple(self._null.examples),
            duplicate=duplicate,
            duplicate_examples=duplicate_examples,
            case_only=case_only,
            case_only_examples=case_only_examples,
            largest_partition=largest,
            uneven=self._usable >= UNEVEN_FROM_ROWS and largest * self._partitions > UNEVEN_FACTOR * self._usable,
        )

    def _wait_or_keep(self, keys: Sequence[Key]) -> None:
        """Has keys that no other row has wait, as they are shown, until one is seen whose case may matter."""
        if not self._have_upper_case and not _have_upper_case(keys):
            with source_errors(self._path):
                self._connection.execute("INSERT INTO waiting VALUES (?)", (json.dumps(_shown(keys)),))
            return
        if not self._have_upper_case:
            for (waiting,) in self._connection.execute("SELECT shown FROM waiting"):
                shown = json.loads(waiting)
                self._insert(repeat(None), shown, shown, repeat(False))
        self._keep(repeat(None), keys, repeat(False))

    def _keep(self, identities: Iterable[str | None], keys: Sequence[Key], refused: Iterable[bool]) -> None:
        shown = lower = _shown(keys)
        if _have_upper_case(keys):
            self._have_upper_case = True
            lower = _shown(list(map(_in_lower_case, keys)))
        self._insert(identities, shown, lower, refused)

    def _insert(
        self, identities: Iterable[str | None], shown: Sequence[str], lower: Sequence[str], refused: Iterable[bool]
    ) -> None:
        with source_errors(self._path):
            self._connection.execute("BEGIN")
            rows = zip(identities, shown, lower, refused, strict=False)
            self._connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def _groups(self, column: str, counted: str) -> tuple[int, tuple[str, ...]]:
        """How many rows are in groups with the same value in the column that count more than one, and some of them."""
        groups = f"SELECT {column}, count(*) AS rows FROM keys GROUP BY {column} HAVING {counted} > 1"
        rows = self._number(f"SELECT coalesce(sum(rows), 0) FROM ({groups})")
        examples = self._connection.execute(
            f"SELECT DISTINCT shown FROM keys WHERE {column} IN (SELECT {column} FROM ({groups} LIMIT {EXAMPLES})) "
            f"ORDER BY {column}, shown LIMIT {EXAMPLES}"
        )
        return rows, tuple(shown for (shown,) in examples)

    def _largest_partition(self) -> int:
        """The rows of the largest of the ranges between the UUIDs' quantiles."""
        if self._is_unique or self._usable < self._partitions:
            return -(-self._usable // self._partitions)
        rows = self._connection.execute(_STARTS, {"rows": self._usable, "partitions": self._partitions})
        starts: list[int] = [start for (start,) in rows]
        return max(end - start for start, end in pairwise([*starts, self._usable]))

    def _number(self, statement: str) -> int:
        (found,) = self._connection.execute(statement).fetchone()
        return int(found)


def _have_upper_case(keys: Sequence[Key]) -> bool:
    texts = "".join([part for key in keys for part in key if isinstance(part, str)])
    return texts != texts.lower()


def _in_lower_case(key: Key) -> Key:
    return tuple([part.lower() if isinstance(part, str) else part for part in key])


def _shown(keys: Sequence[Key]) -> list[str]:
    """Each key as text; asked first for all together: as a rule they are single texts, and stay as they are."""
    texts = [part for key in keys for part in key if isinstance(part, str)]
    if texts and len(keys[0]) == 1 and len(texts) == len(keys) and is_utf8("".join(texts)):
        return texts
    return list(map(key_text, keys))


def _is_unique(plan: CollectionPlan) -> bool:
    """Whether the file itself sees to it that no key is given twice."""
    assert plan.table is not None
    return plan.uses_rowid or (bool(plan.table.primary_key) and set(plan.table.primary_key) <= set(plan.key))
