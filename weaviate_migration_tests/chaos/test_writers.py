"""The writers' records are right: what they say is what SQLite holds, wherever the writers were killed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from weaviate_migration_tests.chaos.record import WriterRecord, same_rows
from weaviate_migration_tests.chaos.tables import SLOTS, TABLES, WRITERS, Row, make_file, open_file
from weaviate_migration_tests.chaos.transactions import Author, Rows, applied, no_rows
from weaviate_migration_tests.chaos.writer import perform, rows_of
from weaviate_migration_tests.chaos.writers import Writers

TRANSACTIONS = 1_000


@pytest.fixture
def writers(tmp_path: Path) -> Writers:
    return Writers(make_file(tmp_path / "app.db"), tmp_path, seed=20261123, rate=0)


@pytest.mark.parametrize("seed", range(3))
def test_what_a_transaction_leaves_is_what_sqlite_has(tmp_path: Path, seed: int) -> None:
    author, rows = Author(0, Random(seed)), no_rows()
    with closing(open_file(make_file(tmp_path / "app.db"))) as connection:
        for number in range(TRANSACTIONS):
            transaction = author.transaction(number, rows)
            perform(connection, transaction)
            rows = applied(rows, transaction.effects)
            assert same_rows(rows_of(connection, 0), rows), transaction


def test_transactions_are_of_every_kind() -> None:
    author, rows = Author(0, Random(1)), no_rows()
    done: dict[str, int] = dict.fromkeys(["refused", "rolled back", "evicted", "moved", "deleted", "savepoint"], 0)
    for number in range(4 * TRANSACTIONS):
        transaction = author.transaction(number, rows)
        gone = [each for each, row in transaction.effects.items() if row is None]
        verbs = {statement.sql.split()[0] for statement in transaction.statements}
        done["refused"] += any(statement.is_refused for statement in transaction.statements)
        done["rolled back"] += not transaction.commits
        done["savepoint"] += "SAVEPOINT" in verbs
        done["deleted"] += bool(gone) and "DELETE" in verbs
        done["moved"] += bool(gone) and verbs == {"UPDATE"}
        done["evicted"] += bool(gone) and verbs == {"INSERT"}
        rows = applied(rows, transaction.effects)
    assert min(done.values()) > 10, done
    assert all(SLOTS / 4 < len(rows[table.name]) <= SLOTS for table in TABLES)


def test_writers_killed_and_started_again(writers: Writers) -> None:
    with writers.running():
        for _ in range(3):
            for number in range(WRITERS):
                writers.await_transactions(5)
                writers.kill(number)
                assert_told(writers, number)
                writers.start(number)
    for number in range(WRITERS):
        assert_told(writers, number)


def assert_told(writers: Writers, number: int) -> None:
    with closing(open_file(writers.path)) as connection:
        assert writers.record(number).read().agrees_with(rows_of(connection, number))


@pytest.fixture
def told_twice(tmp_path: Path) -> Iterator[tuple[WriterRecord, list[Row]]]:
    rows: list[Row] = [("a", 0, None, b"\xff", 1), ("b", 0, None, 1.5, 2**62)]
    with WriterRecord(tmp_path / "record.jsonl") as record:
        record.intend({("words", ("a",)): rows[0]})
        record.conclude(committed=True)
        record.intend({("words", ("a",)): None, ("words", ("b",)): rows[1]})
        yield record, rows


def words(*rows: Row) -> Rows:
    return {**no_rows(), "words": {row[:1]: row for row in rows}}


def test_a_transaction_in_doubt_is_there_in_whole_or_not_at_all(told_twice: tuple[WriterRecord, list[Row]]) -> None:
    record, (first, second) = told_twice
    told = record.read()
    assert told.transactions == 1
    assert told.agrees_with(words(first))
    assert told.agrees_with(words(second))
    assert not told.agrees_with(words(first, second))
    assert not told.agrees_with(words())


def test_one_and_one_point_nought_differ(told_twice: tuple[WriterRecord, list[Row]]) -> None:
    record, (first, _) = told_twice
    assert not record.read().agrees_with(words((*first[:-1], 1.0)))


def test_a_line_that_was_cut_off_counts_for_nothing(told_twice: tuple[WriterRecord, list[Row]], tmp_path: Path) -> None:
    record, (first, _) = told_twice
    path = tmp_path / "record.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert (record.read().transactions, record.read().doubt) == (1, {})
    with WriterRecord(path) as again:
        again.conclude(committed=True)
        assert again.read().agrees_with(words(first))
