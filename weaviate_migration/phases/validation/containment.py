"""How much of what a full-text search of SQLite finds a search in Weaviate finds, too.

Words of rows are asked for on both sides. What SQLite finds and Weaviate does not is looked at: where the object has
the words, as Weaviate itself parts its text, the migration or the server is at fault. Otherwise the two part texts
differently, as with FTS5's `porter`, or the index of the source is behind its table.
"""

import logging
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from weaviate import WeaviateClient
from weaviate.collections import Collection

from weaviate_migration.base.errors import TargetError, TransientTargetError
from weaviate_migration.base.texts import counted
from weaviate_migration.mapping import CollectionMapping, PropertyMapping
from weaviate_migration.mapping.names import folded
from weaviate_migration.mapping.object_ids import split_address
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowLayout, size_of
from weaviate_migration.phases.validation.meaning import text_of
from weaviate_migration.phases.validation.settling import Settling
from weaviate_migration.source.full_text_search import FullTextSearch, SampleIndex, is_searched, words_of
from weaviate_migration.target.query import found_among, has_words
from weaviate_migration.target.read_back import uuids_present

logger = logging.getLogger(__name__)

# Queries for each property: one for so many texts, up to so many. Each takes 14 ms on a busy machine (measured).
QUERIES = 12
_TEXTS_OF_A_QUERY = 20
# A query begins with so many words, and gets more where it finds too much.
_WORDS = (1, 2)
_MOST_WORDS = 5
# Rows from which words are drawn, and of which an index is made where the source has none; and how large together.
SAMPLED_ROWS = 1_000
_SAMPLED_BYTES = 8 * 1024 * 1024
# Of a query so many objects are looked at that are not found, and of a property so many named that have the words.
_EXAMINED = 2
_SHOWN_LOST = 5


@dataclass(frozen=True)
class Containment:
    """What queries of one property found on both sides.

    Attributes:
        of_property: its name.
        index: what was searched in SQLite, in words.
        queries: that were asked on both sides.
        hits: what SQLite found by them, an object for each row and query; `found` are those of Weaviate among them.
        lost: the addresses of the first objects that have the words and are not found by them: a fault.
        wanted: the share that the mapping asks for; None: any.
    """

    of_property: str
    index: str
    queries: int
    hits: int
    found: int
    lost: tuple[str, ...] = ()
    wanted: float | None = None

    @property
    def share(self) -> float:
        """What part of SQLite's hits Weaviate finds; 1 where there are none."""
        return self.found / self.hits if self.hits else 1.0

    @property
    def is_enough(self) -> bool:
        """Whether it is as much as the mapping asks for."""
        return self.wanted is None or self.share >= self.wanted

    def to_text(self) -> str:
        """A sentence for people, without a full stop."""
        searched = f"of {self.index} ({self.queries} queries) were found"
        if self.found == self.hits:
            return f"{self.of_property}: all {counted(self.hits, 'hit')} {searched}"
        asked = "" if self.is_enough else f", and the mapping asks for {self.wanted:g}"
        return f"{self.of_property}: {self.found:,} of {counted(self.hits, 'hit')} {searched}, {self.share:.3f}{asked}"


@dataclass(frozen=True)
class SearchedCollection:
    """A collection, and what asks it.

    Attributes:
        objects: the collection.
        is_changed: whether a row, by its address, has changed since the snapshot: it is left out.
    """

    client: WeaviateClient
    objects: Collection[Any, Any]
    is_changed: Callable[[str], bool]


def compare_hits(
    searched: SearchedCollection,
    mapping: CollectionMapping,
    layout: RowLayout,
    rows: Iterable[ExtractRow],
    indexes: Mapping[str, FullTextSearch],
    seed: int,
    settling: Settling,
) -> tuple[Containment, ...]:
    """Compares searches of each text property that can be searched, and that words could be asked of.

    Nothing where SQLite has no FTS5 here.

    Args:
        rows: drawn at random from the collection's, in any order; as many as `_SAMPLED_BYTES` holds are taken.
        indexes: those that the source has itself, by the properties' names; of others one is made of the rows.
        seed: for the words.
        settling: asks again what finds too little.
    """
    properties = [prop for prop in mapping.properties if is_searched(prop)]
    sample = _small_enough(rows) if properties else []
    found = []
    for prop in properties:
        texts = _texts(prop, layout, sample)
        if not texts:
            continue
        with _index_of(prop, texts, indexes) as index, _passing_over_refusals():
            if index is not None:
                queries = min(QUERIES, -(-len(texts) // _TEXTS_OF_A_QUERY))
                ask = partial(contained, searched, prop, texts, index, queries, seed)
                found.append(settling.settled(searched.objects, ask, lambda each: each.is_enough and not each.lost))
    return tuple(each for each in found if each.queries)


@contextmanager
def _index_of(
    prop: PropertyMapping, texts: Mapping[str, str], indexes: Mapping[str, FullTextSearch]
) -> Iterator[FullTextSearch | None]:
    """What searches a property in SQLite; None where this SQLite has no FTS5, or is too old for its trigrams."""
    if prop.name in indexes:
        yield indexes[prop.name]
        return
    try:
        made = SampleIndex(prop, texts)
    except sqlite3.OperationalError:
        yield None
        return
    with closing(made):
        yield made


@contextmanager
def _passing_over_refusals() -> Iterator[None]:
    """Passes over a property that Weaviate refuses to search: the search for a row by its words has said so."""
    try:
        yield
    except TransientTargetError:
        raise
    except TargetError as error:
        logger.debug("not compared with SQLite's full-text search: %s", error.message)


def contained(
    searched: SearchedCollection,
    prop: PropertyMapping,
    texts: Mapping[str, str],
    index: FullTextSearch,
    queries: int,
    seed: int,
) -> Containment:
    """How much of what an index of SQLite finds by words of these texts Weaviate finds.

    Args:
        texts: what the property says of some rows, by their addresses.
        queries: how many to ask; fewer where there are fewer texts.
    """
    draw = random.Random(seed)
    asked = hits = found = 0
    lost: set[str] = set()
    for row in draw.sample(sorted(texts), min(queries, len(texts))):
        words, expected = _asked_for(index, texts[row], draw)
        same_tenant = [each for each in expected if _tenant_of(each) == _tenant_of(row)]
        wanted = [each for each in same_tenant if not searched.is_changed(each)]
        if not wanted:
            continue
        there = found_among(searched.objects, prop.name, words, wanted)
        missing = sorted(uuids_present(searched.objects, [each for each in wanted if each not in there]))
        asked, hits, found = asked + 1, hits + len(there) + len(missing), found + len(there)
        lost |= {
            each for each in missing[:_EXAMINED] if has_words(searched.client, searched.objects, prop.name, words, each)
        }
    return Containment(prop.name, index.told, asked, hits, found, tuple(sorted(lost)[:_SHOWN_LOST]), prop.containment)


def _asked_for(index: FullTextSearch, text: str, draw: random.Random) -> tuple[list[str], list[str]]:
    """Words of a text, and the rows that have them all: more words until they are few enough; none where there are."""
    words = words_of(text, _MOST_WORDS, index.shortest, draw)
    for count in range(draw.choice(_WORDS), len(words) + 1):
        if (found := index.hits(words[:count])) is not None:
            return words[:count], found
    return [], []


def _tenant_of(address: str) -> str | None:
    return split_address(address)[0]


def _small_enough(rows: Iterable[ExtractRow]) -> list[ExtractRow]:
    """The first rows, until they are large together."""
    found, size = [], 0
    for row in rows:
        size += size_of((row.uuid, row.key, row.values))
        if size > _SAMPLED_BYTES:
            break
        found.append(row)
    return found


def _texts(prop: PropertyMapping, layout: RowLayout, rows: Sequence[ExtractRow]) -> dict[str, str]:
    """What the property says of the rows, where it is a text that is not empty."""
    positions = [at for at, column in enumerate(layout.columns) if folded(column) == folded(prop.column)]
    said = ((row.uuid, text_of(prop, row.values[at])) for row in rows for at in positions)
    return {address: text for address, text in said if address is not None and isinstance(text, str) and text}
