"""Searches of SQLite's full-text indexes: those that a snapshot has itself, and one that is made of some rows."""

import random
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from weaviate_migration.base.texts import counted
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.property_mapping import PropertyMapping
from weaviate_migration.source.connect import closed_after_error, end_if_interrupted, source_errors
from weaviate_migration.source.full_text import FullTextIndex, full_text_indexes, index_of
from weaviate_migration.source.inspect import quoted
from weaviate_migration.source.plan import CollectionPlan
from weaviate_migration.source.rows import address_sql, prepare_for_rows, tenant_sql
from weaviate_migration.source.snapshot import open_snapshot

# A query that finds more rows than these says nothing more, and costs more.
MOST_HITS = 200
# What stands between blanks, from its first letter or digit to its last, without what a query of FTS3 would take for
# more than a text: `well-known`, `3.14`.
_WORD = re.compile(r"[^\W_][^\s\"*^\0]{0,38}[^\W_]|[^\W_]").fullmatch
_AROUND_A_WORD = re.compile(r"^[\W_]+|[\W_]+$")


class FullTextSearch(Protocol):
    """What searches the texts of one property in SQLite.

    Attributes:
        told: what that is, in a few words.
        shortest: how many characters a word has to have: FTS5's trigrams pass over shorter ones beside others.
    """

    told: str
    shortest: int

    def hits(self, words: Sequence[str]) -> list[str] | None:
        """The addresses of the rows that have all of these words.

        None where they are more than `MOST_HITS`, or the index cannot say: of FTS5 with another `detail` than `full`
        words with signs in them cannot be asked for.
        """


def words_of(text: str, most: int, shortest: int, draw: random.Random) -> list[str]:
    """So many different words of a text, of so many characters or more, that a query can ask for; drawn at random."""
    words = {_AROUND_A_WORD.sub("", each) for each in text.split()}
    usable = sorted(each for each in words if len(each) >= shortest and _WORD(each))
    return draw.sample(usable, min(most, len(usable)))


class SnapshotIndex:
    """A full-text index that the snapshot has itself.

    Args:
        connection: to the snapshot, prepared for rows.
        plan: of the collection whose rows are meant.
        column: of the index.
        rowid: the column of the plan's rows that has the rowids of the index.
    """

    def __init__(
        self, connection: sqlite3.Connection, plan: CollectionPlan, index: FullTextIndex, column: str, rowid: str
    ) -> None:
        assert plan.table is not None
        self._connection = connection
        self.told = index.told
        self.shortest = _shortest(index.tokenizer.name)
        found = f"SELECT rowid FROM {quoted(index.name)} WHERE {quoted(column)} MATCH ?"
        self._count = f"SELECT count(*) FROM ({found} LIMIT {MOST_HITS + 1})"
        address = address_sql(plan, tenant_sql(plan), [quoted(each) for each in plan.key])
        self._addresses = f"SELECT {address} FROM {plan.table.from_sql} WHERE {quoted(rowid)} IN ({found})"

    def hits(self, words: Sequence[str]) -> list[str] | None:
        """As `FullTextSearch` has it."""
        try:
            return self.found(words)
        except sqlite3.OperationalError as error:
            end_if_interrupted(error)
            return None

    def found(self, words: Sequence[str]) -> list[str] | None:
        """What `hits` gives; raises sqlite3.Error where the index cannot be asked."""
        asked = (_query(words),)
        (count,) = self._connection.execute(self._count, asked).fetchone()
        if count > MOST_HITS:
            return None
        return [str(each) for (each,) in self._connection.execute(self._addresses, asked) if each is not None]


class SampleIndex:
    """An index of FTS5, in memory, of the texts that some rows have for a property.

    Args:
        prop: says which tokenizer is asked for: the one that finds what the property is to find.
        texts: by the rows' addresses.
    """

    def __init__(self, prop: PropertyMapping, texts: Mapping[str, str]) -> None:
        tokenizer = tokenizer_like(prop)
        self._addresses = list(texts)
        self.shortest = _shortest(tokenizer)
        self.told = f"FTS5 over {counted(len(texts), 'row')}"
        self._connection = sqlite3.connect(":memory:")
        with closed_after_error(self._connection):
            self._connection.execute(
                f"CREATE VIRTUAL TABLE sample USING fts5 (text, content = '', tokenize = '{tokenizer}')"
            )
            self._connection.executemany("INSERT INTO sample (rowid, text) VALUES (?, ?)", enumerate(texts.values()))

    def hits(self, words: Sequence[str]) -> list[str] | None:
        """As `FullTextSearch` has it."""
        statement = f"SELECT rowid FROM sample WHERE sample MATCH ? LIMIT {MOST_HITS + 1}"
        found = self._connection.execute(statement, (_query(words),)).fetchall()
        return None if len(found) > MOST_HITS else [self._addresses[at] for (at,) in found]

    def close(self) -> None:
        """Frees its memory."""
        self._connection.close()


def _shortest(tokenizer: str) -> int:
    return 3 if tokenizer == "trigram" else 1


def tokenizer_like(prop: PropertyMapping) -> str:
    """The tokenizer of FTS5 that is most like a property's in Weaviate."""
    if prop.tokenization == "trigram":
        return "trigram"
    return "unicode61" if prop.ascii_fold else "unicode61 remove_diacritics 0"


def has_full_text_index(snapshot: Path, table: str) -> bool:
    """Whether a snapshot has one of a table's rows: to plan what is to be read takes longer than to ask."""
    with source_errors(snapshot), closing(open_snapshot(snapshot)) as connection:
        tables = {folded(each) for index in full_text_indexes(connection) for each in index.tables}
    return folded(table) in tables


@contextmanager
def snapshot_indexes(snapshot: Path, plan: CollectionPlan, scratch: Path) -> Iterator[dict[str, SnapshotIndex]]:
    """The full-text indexes that a snapshot has of a collection's text properties, by the properties' names.

    Left out is what cannot be searched here: its tokenizer only the application has, or the rows of a statement do not
    tell their rowid.

    Raises:
        SourceError: the snapshot is damaged.
    """
    with source_errors(snapshot), closing(open_snapshot(snapshot)) as connection:
        prepare_for_rows(connection, object_uuid, scratch)
        yield dict(_indexes(connection, plan, full_text_indexes(connection)))


def _indexes(
    connection: sqlite3.Connection, plan: CollectionPlan, indexes: Iterable[FullTextIndex]
) -> Iterator[tuple[str, SnapshotIndex]]:
    table = plan.table
    if table is None:
        return
    known = list(indexes)
    for prop in plan.mapping.properties:
        index = index_of(known, plan.mapping.table, prop.column)
        if index is None or not is_searched(prop):
            continue
        rowid = index.rowid if index.rowid and table.column(index.rowid) else table.rowid
        if rowid is None:
            continue
        column = next(each for each in index.columns if folded(each) == folded(prop.column))
        found = SnapshotIndex(connection, plan, index, column, rowid)
        if _can_be_searched(found):
            yield prop.name, found


def is_searched(prop: PropertyMapping) -> bool:
    """Whether a property holds a column's text, and can be searched by its words."""
    return prop.type == "text" and prop.index == "words" and prop.json_key is None


def _can_be_searched(index: SnapshotIndex) -> bool:
    try:
        index.found(["a"])
    except sqlite3.Error as error:
        end_if_interrupted(error)
        return False
    return True


def _query(words: Sequence[str]) -> str:
    """All of these words, each as a text in quotes: FTS3, FTS4 and FTS5 read it alike."""
    return " ".join(f'"{word}"' for word in words)
