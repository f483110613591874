"""Vectors that models or the server have made, against what the rows say: one by one, and as a page."""

import json
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weaviate_migration.mapping import CollectionMapping, PropertyMapping, VectorMapping
from weaviate_migration.mapping.object_ids import object_uuid
from weaviate_migration.mapping.row_to_object import Vectors, row_converter
from weaviate_migration.mapping.values import SqlValue
from weaviate_migration.phases.history.extract.storage_classes import ExtractRow, RowColumns, RowLayout
from weaviate_migration.phases.validation.column_comparer import ColumnComparer
from weaviate_migration.phases.validation.partition_comparison import VectorCounts
from weaviate_migration.phases.validation.row_comparer import RowComparer
from weaviate_migration.phases.validation.verdicts import PartitionTally, judge_objects
from weaviate_migration.target.object_pages import PageReader
from weaviate_migration.target.read_back import StoredObject
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration.vectors.made_vectors import MadeVectors
from weaviate_migration_tests.strategies import as_client_returns
from weaviate_migration_tests.vectors.letters import LetterModel

BEGAN = "2026-11-22T09:30:15Z"
COLUMNS = ("id", "body", "data")
LAYOUT = RowLayout("notes", COLUMNS, ("id",))
MADE = VectorMapping.model_validate({"name": "v", "from": ["body"], "model": "letters"})
SERVED = VectorMapping.model_validate({"name": "v", "from": ["body"], "vectorizer": "text2vec_openai"})
# The server's module makes a vector of its own where the column has none.
BOTH = VectorMapping.model_validate({**SERVED.model_dump(exclude_defaults=True), "column": "data"})


def blob(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


@dataclass(frozen=True)
class Sides:
    """Rows of one table, and objects with vectors of any kind."""

    mapping: CollectionMapping
    made: MadeVectors
    rows: list[ExtractRow]

    @classmethod
    def of(cls, vector: VectorMapping, made: MadeVectors, bodies: Sequence[SqlValue], data: SqlValue = None) -> "Sides":
        mapping = CollectionMapping(
            name="Note",
            table="notes",
            properties=(PropertyMapping(name="body", column="body", index="words"),),
            vectors=(vector,),
        )
        keys = sorted((object_uuid("notes", (key,)) or "", key) for key in map(str, range(len(bodies))))
        rows = [ExtractRow(uuid, (key,), (key, body, data)) for (uuid, key), body in zip(keys, bodies, strict=True)]
        return cls(mapping, made, rows)

    def objects(self, vectors: Sequence[Vectors]) -> list[StoredObject]:
        convert = row_converter(self.mapping, COLUMNS, BEGAN)
        drafts = [convert(row.uuid or "", str(row.key[0]), row.values) for row in self.rows]
        return [
            StoredObject(each.uuid, as_client_returns(self.mapping, each), own)
            for each, own in zip(drafts, vectors, strict=True)
        ]

    def agree(self, vectors: Sequence[Vectors]) -> bool:
        """Whether they agree as a page; what is counted then is what is counted one by one."""
        convert = row_converter(self.mapping, COLUMNS, BEGAN)
        drafts = [convert(row.uuid or "", str(row.key[0]), row.values) for row in self.rows]
        answer = {"objects": [{"id": each.uuid, "properties": each.properties} for each in drafts]}
        page = PageReader(self.mapping).read(json.dumps(answer).encode())
        assert page is not None
        page = replace(page, vectors={"v": [blob(*own["v"]) if "v" in own else None for own in vectors]})
        columns = [list(each) for each in zip(*(row.values for row in self.rows), strict=True)]
        rows = RowColumns([row.uuid for row in self.rows], [columns[0]], columns)
        found = ColumnComparer(self.mapping, LAYOUT, BEGAN, self.made).agreement(rows, page)
        if found is not None:
            assert found.vectors == {"v": self.counts(vectors)}
        return found is not None

    def counts(self, vectors: Sequence[Vectors], lacking: Sequence[str] = ()) -> VectorCounts:
        """What is counted of them one by one; each that differs is named."""
        comparer = RowComparer(
            self.mapping, LAYOUT, BEGAN, made=self.made, lacks=lambda uuid, name: name == "v" and uuid in lacking
        )
        judged = judge_objects(comparer, [(row, None) for row in self.rows], self.objects(vectors))
        found = PartitionTally(comparer, "Note", "07").count(judged)
        assert {each.property for each in found.differences} <= {"vector v", "metadata.source_columns.data"}
        assert sum(each.property == "vector v" for each in found.differences) == found.vectors["v"].differing
        return found.vectors["v"]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "vectors.sqlite")) as made:
        yield made


@pytest.fixture
def made(cache: VectorCache) -> MadeVectors:
    return MadeVectors((MADE,), lambda _: Embedder(LetterModel(), cache))


def letters(text: str) -> dict[str, list[float]]:
    (vector,) = LetterModel().embed([text]).vectors
    return {"v": vector.tolist()}


@pytest.fixture
def notes(made: MadeVectors) -> Sides:
    """Three rows, of which one has no text, and whose vectors are made."""
    sides = Sides.of(MADE, made, ["abc", None, "xyz"])
    made.make(COLUMNS, [row.values for row in sides.rows])
    return sides


SOUND: list[Vectors] = [letters("abc"), {}, letters("xyz")]


def test_the_vectors_that_were_made_agree(notes: Sides) -> None:
    assert notes.agree(SOUND)
    assert notes.counts(SOUND) == VectorCounts(compared=2)


def flipped(vector: Vectors, bit: int) -> Vectors:
    bits = bytearray(blob(*vector["v"]))
    bits[bit // 8] ^= 1 << bit % 8
    return {"v": struct.unpack(f"<{len(vector['v'])}f", bits)}


@pytest.mark.parametrize(
    "damaged",
    [
        [{}, *SOUND[1:]],
        [SOUND[0], letters("abc"), SOUND[2]],
        [SOUND[2], {}, SOUND[0]],
        [{"v": [*SOUND[0]["v"], 0.0]}, *SOUND[1:]],
        *([flipped(SOUND[0], bit), *SOUND[1:]] for bit in (0, 31, 400, 26 * 32 - 1)),
    ],
    ids=["missing", "too many", "exchanged", "longer", *(f"bit {bit}" for bit in (0, 31, 400, 831))],
)
def test_other_vectors_than_were_made_differ(notes: Sides, damaged: list[Vectors]) -> None:
    differing = sum(one != other for one, other in zip(SOUND, damaged, strict=True))
    assert not notes.agree(damaged)
    assert notes.counts(damaged) == VectorCounts(compared=notes.counts(damaged).compared, differing=differing)


def test_a_vector_that_the_cache_lacks_is_not_compared_but_has_to_be_there(made: MadeVectors) -> None:
    forgotten = Sides.of(MADE, made, ["abc", None, "xyz"])
    assert not forgotten.agree(SOUND)
    assert forgotten.counts(SOUND) == VectorCounts(unknown=2)
    assert forgotten.counts([{}, {}, SOUND[2]]) == VectorCounts(unknown=1, differing=1)
    assert forgotten.counts([SOUND[0], letters("a"), SOUND[2]]) == VectorCounts(unknown=2, differing=1)


def test_an_object_that_is_to_get_its_vector_yet_is_no_damage(notes: Sides) -> None:
    waiting = [{}, {}, SOUND[2]]
    assert notes.counts(waiting, [notes.rows[0].uuid or ""]) == VectorCounts(compared=1, lacking=1)
    assert notes.counts(waiting, [notes.rows[1].uuid or ""]) == VectorCounts(compared=1, differing=1)
    other = [letters("a"), {}, SOUND[2]]
    assert notes.counts(other, [notes.rows[0].uuid or ""]) == VectorCounts(compared=1, differing=1)


ANY: Any = {"v": np.array([0.5, 0.25], dtype=np.float32).tolist()}


def test_a_vector_of_the_server_has_to_be_there_where_there_is_a_text() -> None:
    served = Sides.of(SERVED, MadeVectors((), lambda _: pytest.fail("no model is asked")), ["abc", None, " ", 7])
    for vectors, is_right in (([ANY, {}, {}, {}], True), ([ANY, ANY, ANY, {}], True), ([{}, {}, {}, {}], False)):
        assert served.agree(vectors) == is_right
        counts = served.counts(vectors)
        assert (counts.by_server, counts.differing) == (sum(map(bool, vectors)), int(not is_right))


@pytest.mark.parametrize("data", [None, blob(1, 2)])
def test_a_module_makes_a_vector_where_the_column_has_none(data: bytes | None) -> None:
    both = Sides.of(BOTH, MadeVectors((), lambda _: pytest.fail("no model is asked")), ["abc"], data)
    right = {"v": [1.0, 2.0]}
    if data is None:
        assert both.agree([ANY])
        assert both.agree([{}])
        assert both.counts([ANY]) == VectorCounts(by_server=1)
    else:
        assert both.agree([right])
        assert both.counts([right]) == VectorCounts(compared=1)
        assert not both.agree([ANY])
        assert both.counts([ANY]) == both.counts([{}]) == VectorCounts(differing=1)
