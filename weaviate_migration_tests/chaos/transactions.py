"""Random transactions, and what they do to the rows: told by rules of our own, never by asking SQLite."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from weaviate_migration_tests.chaos.tables import SLOTS, TABLES, VALUES, Key, Row, Table, Value

# The rows of one writer: for each table by their keys.
Rows = dict[str, dict[Key, Row]]
# What becomes of rows: each key that a transaction touches, and its row afterwards; None where it is gone.
Effects = dict[tuple[str, Key], Row | None]

STATEMENTS = 6
"""A transaction has so many at most."""
ROLLED_BACK = 0.15
WITH_SAVEPOINT = 0.15


class Statement(NamedTuple):
    """What SQLite is told, and whether it has to refuse it for a constraint."""

    sql: str
    parameters: Row = ()
    is_refused: bool = False


@dataclass(frozen=True)
class Transaction:
    """Statements, how they end, and what is left of them then."""

    statements: list[Statement]
    commits: bool
    effects: Effects


def no_rows() -> Rows:
    return {table.name: {} for table in TABLES}


def apply(rows: Rows, effects: Effects) -> None:
    """Does to the rows what a transaction did."""
    for (table, key), row in effects.items():
        if row is None:
            del rows[table][key]
        else:
            rows[table][key] = row


def applied(rows: Rows, effects: Effects) -> Rows:
    """The rows as they would be after a transaction."""
    after = _copy(rows)
    apply(after, effects)
    return after


@dataclass(frozen=True)
class Author:
    """Thinks up transactions on the keys of one writer."""

    writer: int
    random: Random

    def transaction(self, number: int, rows: Rows) -> Transaction:
        """The next transaction.

        Args:
            number: its number; what it writes says so, which tells an older version of a row from a newer one.
            rows: what the writer has now; left as it is.
        """
        draft = _copy(rows)
        statements = list(self._statements(number, draft))
        commits = self.random.random() >= ROLLED_BACK
        return Transaction(statements, commits, _difference(rows, draft) if commits else {})

    def _statements(self, number: int, draft: Rows) -> Iterator[Statement]:
        yield from self._some(number, draft)
        if self.random.random() < WITH_SAVEPOINT:
            yield Statement("SAVEPOINT half")
            yield from self._some(number, _copy(draft))
            yield Statement("ROLLBACK TO half")

    def _some(self, number: int, draft: Rows) -> Iterator[Statement]:
        for _ in range(self.random.randint(1, STATEMENTS)):
            table = self.random.choice(TABLES)
            (change,) = self.random.choices(list(_CHANGES), weights=list(_CHANGES.values()))
            yield change(self, table, draft[table.name], number)

    def insert(self, table: Table, rows: dict[Key, Row], number: int) -> Statement:
        """INSERT, with any of three ways out of a conflict: all keys are often taken already."""
        policy = self._policy()
        row = self._row(table, number)
        others = _in_conflict(table, rows, row)
        sql = f"INSERT {policy} INTO {table.name} VALUES ({', '.join('?' * len(row))})"
        return Statement(sql, row, _settled(table, rows, None, row, others, policy))

    def update(self, table: Table, rows: dict[Key, Row], number: int) -> Statement:
        """UPDATE of a whole row, which in half of the cases gets another key, that may be taken."""
        policy = self._policy()
        key, row = self._key(table), self._row(table, number)
        if self.random.random() < 0.5:
            row = (*key, *row[len(key) :])
        sql = f"UPDATE {policy} {table.name} SET {_assigned(table.columns)} WHERE {_is(table.key_columns)}"
        if key not in rows:
            return Statement(sql, (*row, *key))
        others = _in_conflict(table, rows, row) - {key}
        return Statement(sql, (*row, *key), _settled(table, rows, key, row, others, policy))

    def upsert(self, table: Table, rows: dict[Key, Row], number: int) -> Statement:
        """INSERT … ON CONFLICT DO UPDATE; without a label, of whose conflict it would say nothing."""
        row = (*self._key(table), self.writer, None, *self._row(table, number)[-2:])
        rows[table.key_of(row)] = row
        target = f"ON CONFLICT ({', '.join(table.key_columns)}) DO UPDATE SET"
        given = ", ".join(f"{column} = excluded.{column}" for column in VALUES)
        return Statement(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(row))}) {target} {given}", row)

    def delete(self, table: Table, rows: dict[Key, Row], number: int) -> Statement:  # noqa: ARG002
        key = self._key(table)
        rows.pop(key, None)
        return Statement(f"DELETE FROM {table.name} WHERE {_is(table.key_columns)}", key)

    def update_many(self, table: Table, rows: dict[Key, Row], number: int) -> Statement:
        body = self._body(number)
        for key, row in rows.items():
            rows[key] = (*row[:-2], body, row[-1])
        return Statement(f"UPDATE {table.name} SET body = ? WHERE writer = ?", (body, self.writer))

    def delete_many(self, table: Table, rows: dict[Key, Row], number: int) -> Statement:  # noqa: ARG002
        for key in [key for key, row in rows.items() if table.value(row, "amount") is None]:
            del rows[key]
        return Statement(f"DELETE FROM {table.name} WHERE writer = ? AND amount IS NULL", (self.writer,))

    def _policy(self) -> str:
        return self.random.choice(["", "OR IGNORE", "OR REPLACE", "OR REPLACE"])

    def _key(self, table: Table) -> Key:
        return table.key_in_slot(self.writer, self.random.randrange(SLOTS))

    def _row(self, table: Table, number: int) -> Row:
        label = f"{self.writer}/{self.random.randrange(SLOTS)}" if self.random.random() < 0.8 else None
        return *self._key(table), self.writer, label, self._body(number), self._amount()

    def _body(self, number: int) -> Value:
        """Nearly always the number of the transaction; now and then what a text property cannot hold exactly."""
        odd: list[Value] = [None, "", f"{number} \N{PARTY POPPER} 'quoted'\n", f"{number}".encode(), number]
        return f"transaction {number} of {self.writer}" if self.random.random() < 0.8 else self.random.choice(odd)

    def _amount(self) -> Value:
        integer, real = self.random.randrange(1000), self.random.random()
        return self.random.choice([integer, real, real * 1e300, 2**62 + integer, None, "many"])


_CHANGES: dict[Callable[[Author, Table, dict[Key, Row], int], Statement], int] = {
    Author.insert: 10,
    Author.update: 8,
    Author.upsert: 4,
    Author.delete: 4,
    Author.update_many: 1,
    Author.delete_many: 1,
}


def _in_conflict(table: Table, rows: dict[Key, Row], row: Row) -> set[Key]:
    """The keys of the rows that cannot be beside this one."""
    label = table.value(row, "label")
    same_label = {
        key
        for key, other in rows.items()
        if table.has_unique_label and label is not None and table.value(other, "label") == label
    }
    return same_label | ({table.key_of(row)} & rows.keys())


def _settled(table: Table, rows: dict[Key, Row], old: Key | None, row: Row, others: set[Key], policy: str) -> bool:
    """Puts the row in the place of the old one, or whatever the policy says of a conflict; returns whether refused."""
    if others and policy != "OR REPLACE":
        return policy == ""
    for key in others | ({old} if old is not None else set()):
        del rows[key]
    rows[table.key_of(row)] = row
    return False


def _difference(before: Rows, after: Rows) -> Effects:
    return {
        (table, key): after[table].get(key)
        for table in before
        for key in before[table].keys() | after[table].keys()
        if before[table].get(key) != after[table].get(key)
    }


def _copy(rows: Rows) -> Rows:
    return {table: dict(held) for table, held in rows.items()}


def _assigned(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{column} = ?" for column in columns)


def _is(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} = ?" for column in columns)
