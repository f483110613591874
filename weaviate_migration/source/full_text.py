"""Full-text indexes of a SQLite file: which columns of which tables FTS3, FTS4 and FTS5 index, and by what tokens."""

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from weaviate_migration.mapping.names import folded
from weaviate_migration.source.sql_tokens import tokens_of, unquoted
from weaviate_migration.source.virtual_tables import FULL_TEXT_MODULES, VirtualTable, virtual_tables

# https://www.sqlite.org/fts5.html#tokenizers and https://www.sqlite.org/fts3.html#tokenizer
_DEFAULT_TOKENIZER = {"fts3": "simple", "fts4": "simple", "fts5": "unicode61"}
# What stands before an equals sign in an argument of FTS3 and FTS4 that is no column.
_OPTIONS_OF_FTS4 = frozenset(
    ("tokenize", "content", "compress", "uncompress", "languageid", "matchinfo", "notindexed", "order", "prefix")
)


@dataclass(frozen=True)
class TextTokenizer:
    """How a full-text index parts a text.

    Attributes:
        name: such as `unicode61`, of what is inside of `porter` where there are stems.
        arguments: what follows the name: `remove_diacritics`, `0`.
        stems: whether words are cut to their English stems, by `porter`.
    """

    name: str
    arguments: tuple[str, ...] = ()
    stems: bool = False

    @property
    def takes_accents(self) -> bool:
        """Whether `é` is `e`."""
        by_default = {"unicode61": "1", "trigram": "0"}.get(self.name, "0")
        return self._argument("remove_diacritics", by_default) != "0"

    @property
    def is_case_sensitive(self) -> bool:
        """Whether capitals count."""
        return self._argument("case_sensitive", "0") == "1"

    def _argument(self, name: str, default: str) -> str:
        words = [folded(each) for each in self.arguments]
        return words[words.index(name) + 1] if name in words[:-1] else default

    def __str__(self) -> str:
        """As it is written: `porter unicode61 remove_diacritics 0`."""
        return " ".join([*(["porter"] if self.stems else []), self.name, *self.arguments])


@dataclass(frozen=True)
class FullTextIndex:
    """A table of FTS3, FTS4 or FTS5.

    Attributes:
        columns: that it indexes: its own names, which are those of the columns that it indexes, too.
        tables: whose rows it indexes: the one that `content` names, or itself, and those whose triggers write to it.
        rowid: the column of these that has its rowids; None: their own rowids are meant.
    """

    name: str
    module: str
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    rowid: str | None
    tokenizer: TextTokenizer

    @cached_property
    def _folded_columns(self) -> frozenset[str]:
        return frozenset(map(folded, self.columns))

    def indexes(self, table: str, column: str) -> bool:
        """Whether it indexes this column of this table."""
        return folded(column) in self._folded_columns and folded(table) in map(folded, self.tables)

    @property
    def told(self) -> str:
        """`notes_fts (FTS5, porter unicode61)`."""
        return f"{self.name} ({self.module.upper()}, {self.tokenizer})"


def full_text_indexes(connection: sqlite3.Connection) -> list[FullTextIndex]:
    """The full-text indexes of a file, by name; those too whose tokenizer only the application has."""
    triggers = connection.execute("SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    writers = [(table, _written_to(sql)) for table, sql in triggers.fetchall()]
    return [
        _full_text_index(each, list(dict.fromkeys(table for table, written in writers if folded(each.name) in written)))
        for each in virtual_tables(connection)
        if each.module in FULL_TEXT_MODULES
    ]


def index_of(indexes: Iterable[FullTextIndex], table: str, column: str) -> FullTextIndex | None:
    """The index that a column is searched by; of several, one of whole words as they are written goes before others."""
    return next(iter(indexes_of(indexes, table, column)), None)


def indexes_of(indexes: Iterable[FullTextIndex], table: str, column: str) -> list[FullTextIndex]:
    """All that a column is searched by, in the order that `index_of` has."""
    found = [each for each in indexes if each.indexes(table, column)]
    return sorted(found, key=lambda each: (each.tokenizer.name == "trigram", each.tokenizer.stems))


def _written_to(trigger: str) -> set[str]:
    """The tables that a trigger inserts into, folded."""
    words = [folded(unquoted(token)) for token in tokens_of(trigger) if token != " "]
    return {name for word, name in itertools.pairwise(words) if word == "into"}


def _full_text_index(virtual: VirtualTable, writers: Sequence[str]) -> FullTextIndex:
    content = virtual.argument("content")
    own = [virtual.name] if content is None else []
    is_fts5 = virtual.module == "fts5"
    columns = _columns_of_fts5(virtual) if is_fts5 else _columns_of_fts4(virtual)
    return FullTextIndex(
        name=virtual.name,
        module=virtual.module,
        # FTS3 and FTS4 call the column so where none is named.
        columns=tuple(columns) or (() if is_fts5 else ("content",)),
        tables=(content,) if content else (*own, *writers),
        rowid=virtual.argument("content_rowid") if content and is_fts5 else None,
        tokenizer=_tokenizer(virtual),
    )


def _columns_of_fts5(virtual: VirtualTable) -> Iterator[str]:
    for argument in virtual.arguments:
        first, *others = (token for token in tokens_of(argument) if token != " ")
        if others[:1] != ["="] and "unindexed" not in map(folded, others):
            yield unquoted(first)


def _columns_of_fts4(virtual: VirtualTable) -> Iterator[str]:
    left_out = {
        folded(unquoted(argument.partition("=")[2].strip()))
        for argument in virtual.arguments
        if folded(argument.partition("=")[0].strip()) == "notindexed"
    }
    for argument in virtual.arguments:
        first, *others = (token for token in tokens_of(argument) if token != " ")
        is_option = folded(first) == "tokenize" or (others[:1] == ["="] and folded(first) in _OPTIONS_OF_FTS4)
        if not is_option and folded(unquoted(first)) not in left_out:
            yield unquoted(first)


def _tokenizer(virtual: VirtualTable) -> TextTokenizer:
    words = list(_words_of_tokenizer(virtual)) or [_DEFAULT_TOKENIZER[virtual.module]]
    stems = folded(words[0]) == "porter"
    name, *arguments = words[1:] if stems and words[1:] else words
    if folded(name) == "porter":
        name = _DEFAULT_TOKENIZER[virtual.module]
    return TextTokenizer(folded(name), tuple(arguments), stems)


def _words_of_tokenizer(virtual: VirtualTable) -> Iterator[str]:
    """What `tokenize` names, without quotes; the options of FTS4 as those of FTS5: `remove_diacritics`, `0`."""
    if virtual.module == "fts5":
        given = virtual.argument("tokenize") or ""
        yield from (unquoted(token) for token in _parted_at_blanks(given))
        return
    for argument in virtual.arguments:
        first, *others = _parted_at_blanks(argument.replace("=", " ", 1))
        if folded(first) == "tokenize":
            for each in others:
                yield from filter(None, unquoted(each).partition("=")[::2])


def _parted_at_blanks(text: str) -> Iterator[str]:
    """The words of a tokenizer, each in its quotes if it has some: SQLite's tokens, where no blank is between them."""
    word = ""
    for token in (*tokens_of(text), " "):
        if token != " ":
            word += token
        elif word:
            yield word
            word = ""
