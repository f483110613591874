"""What SQLite's own checks say of a database: damage, or rows that are not as their table declares them.

Damage is in the structure: pages, indexes, the order of rows. A NULL that may not be, a value of another type than the
declared one, or a CHECK that does not hold is none: each value can be read, and is migrated as it is.
"""

import re
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass

from weaviate_migration.source.connect import primary_code

# https://www.sqlite.org/src/file?name=src/pragma.c: all that begins otherwise is about structure.
_REMARK = re.compile(
    r"(NULL|NUMERIC|TEXT|non-[A-Z]+) value in |CHECK constraint failed in |non-unique entry in index ", re.DOTALL
)
_SHOWN_LINES = 3
_SHOWN_REMARKS = 5
# Of SQLite's virtual machine; so many take well under a millisecond.
_OPCODES_BETWEEN_LOOKS = 1_000

# From the thorough check of a table to one that reads less: functions and collations that only the application has may
# be in its CHECKs, in its indexes, or in its key.
_CHECKS_OF_A_TABLE = (("integrity_check", "OFF"), ("integrity_check", "ON"), ("quick_check", "ON"))


@dataclass(frozen=True)
class Integrity:
    """What was found.

    Attributes:
        damage: the first lines of the first finding about the structure; empty where the file is sound.
        remarks: what rows break of their tables' declarations, in SQLite's words, each once.
        rows: how often these remarks were made.
        unchecked: why tables could not be checked, in SQLite's words, each once.
        finished: whether the check got to its end.
    """

    damage: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    rows: int = 0
    unchecked: tuple[str, ...] = ()
    finished: bool = True

    def remark_text(self) -> str:
        """The remarks as a sentence; '' without any."""
        if not self.remarks:
            return ""
        more = len(self.remarks) - _SHOWN_REMARKS
        shown = "; ".join(self.remarks[:_SHOWN_REMARKS]) + (f"; and {more} more" if more > 0 else "")
        return (
            f"SQLite's integrity check remarks {self.rows:,} times: {shown}. That is no damage: these values are not "
            "as their table declares them, and are migrated as they are"
        )


class _Findings:
    """What a check says, line by line: remarks are counted, and damage is the rest."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._remarks: Counter[str] = Counter()
        self._connection = connection
        connection.create_function("is_damage", 1, self._is_damage)

    def damage(self, check: str, of: str | int) -> tuple[str, ...]:
        """Runs a check, to its end or to the first damage.

        Args:
            of: how many findings at most; or a table, of which SQLite tells a hundred.

        Raises:
            sqlite3.Error: interrupted, or SQLite lacks what only the application has.
        """
        # sqlite3 fetches a row ahead, and would lose the first damage if the check then broke off: one only.
        statement = f"SELECT {check} FROM pragma_{check}(?) WHERE is_damage({check}) LIMIT 1"
        try:
            found = self._connection.execute(statement, (of,)).fetchone()
        except sqlite3.DatabaseError as error:
            if primary_code(error) != sqlite3.SQLITE_CORRUPT:
                raise
            return (str(error),)
        lines = str(found[0]).splitlines() if found else []
        return tuple(line for line in lines if not line.startswith("***"))[:_SHOWN_LINES]

    def integrity(self, damage: tuple[str, ...], *unchecked: str, finished: bool = True) -> Integrity:
        return Integrity(damage, tuple(self._remarks), self._remarks.total(), unchecked, finished)

    def _is_damage(self, finding: str) -> bool:
        if finding == "ok":
            return False
        if _REMARK.match(finding):
            self._remarks[finding] += 1
            return False
        return True


def check_integrity(connection: sqlite3.Connection) -> Integrity:
    """Checks all of a database.

    What only the application has stops the check of the whole file: then each table is checked by itself.

    Args:
        connection: without stand-ins for collations: an index would seem to be in the wrong order.
    """
    found = _Findings(connection)
    try:
        return found.integrity(found.damage("integrity_check", 1_000_000_000))
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_ERROR:
            raise
    found = _Findings(connection)
    unchecked: dict[str, None] = {}
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE rootpage AND type = 'table'").fetchall():
        damage, reason = _check_table(connection, found, table)
        if damage:
            return found.integrity(damage, *unchecked)
        unchecked |= {reason: None} if reason else {}
    return found.integrity((), *unchecked)


def quick_look(connection: sqlite3.Connection, seconds: float) -> Integrity:
    """What SQLite's quick check finds within so many seconds; `connection` as for `check_integrity`.

    Of a file that was opened for reading only SQLite does not look at the CHECKs; the check of the snapshot does.
    """
    ends = time.monotonic() + seconds
    found = _Findings(connection)
    connection.set_progress_handler(lambda: time.monotonic() > ends, _OPCODES_BETWEEN_LOOKS)
    try:
        return found.integrity(found.damage("quick_check", 1_000_000_000))
    except sqlite3.OperationalError as error:
        if primary_code(error) == sqlite3.SQLITE_INTERRUPT:
            return found.integrity((), finished=False)
        if primary_code(error) != sqlite3.SQLITE_ERROR:
            raise
        return found.integrity((), str(error), finished=False)
    finally:
        connection.set_progress_handler(None, 0)


def _check_table(connection: sqlite3.Connection, found: _Findings, table: str) -> tuple[tuple[str, ...], str]:
    """The damage of one table, as far as it can be checked; and why not all of it could be."""
    reasons: list[str] = []
    for check, ignored in _CHECKS_OF_A_TABLE:
        connection.execute(f"PRAGMA ignore_check_constraints = {ignored}")
        try:
            return found.damage(check, table), "".join(reasons[:1])
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_ERROR:
                raise
            reasons.append(str(error))
    return (), reasons[0]
