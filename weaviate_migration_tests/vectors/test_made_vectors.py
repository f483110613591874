"""From rows to vectors by name: made, looked up, or left out while a model is away."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from weaviate_migration.base.errors import MigrationConflictError, TransientEmbeddingError
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping
from weaviate_migration.mapping.vector_mapping import VectorMapping
from weaviate_migration.vectors.cache import VectorCache
from weaviate_migration.vectors.embedder import Embedder
from weaviate_migration.vectors.made_vectors import NO_MADE_VECTORS, MadeVectors, RowVectors
from weaviate_migration.vectors.open_models import OpenModels, refuse_other_models
from weaviate_migration.vectors.provider import Embedded
from weaviate_migration_tests.vectors.letters import LetterModel

COLUMNS = ["id", "title", "body"]
TITLE = VectorMapping.model_validate({"name": "title", "from": ["title"], "model": "letters"})
BOTH = VectorMapping.model_validate({"name": "both", "from": ["TITLE", "body"], "separator": " ", "model": "letters"})
ROWS = [("1", "a", "b"), ("2", None, "bb"), ("3", "", None)]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[VectorCache]:
    with closing(VectorCache(tmp_path / "vectors.sqlite")) as made:
        yield made


def vectors_of(model: LetterModel, cache: VectorCache, *vectors: VectorMapping) -> MadeVectors:
    return MadeVectors(vectors, lambda _: Embedder(model, cache))


def shown(found: Sequence[RowVectors]) -> list[dict[str, list[int] | None]]:
    """The first two numbers: how many a and b."""
    return [{name: None if numbers is None else numbers[:2].tolist() for name, numbers in row.items()} for row in found]


def test_a_vector_for_each_text_and_none_where_there_is_no_text(cache: VectorCache) -> None:
    model = LetterModel()
    vectors = vectors_of(model, cache, TITLE, BOTH)
    assert vectors.names == ("title", "both")
    assert shown(vectors.make(COLUMNS, ROWS)) == [{"title": [1, 0], "both": [1, 1]}, {"both": [0, 2]}, {}]
    assert model.asked == [["a"], ["a b", "bb"]]
    assert {name: tally.misses for name, (_, tally) in vectors.done().items()} == {"title": 1, "both": 2}


def test_the_order_of_the_columns_is_the_rows(cache: VectorCache) -> None:
    vectors = vectors_of(LetterModel(), cache, BOTH)
    assert shown(vectors.make(["body", "title"], [("b", "a")])) == [{"both": [1, 1]}]
    assert shown(vectors.make(["body"], [("b",)])) == [{"both": [0, 1]}]


def test_of_several_vectors_those_are_looked_up_that_are_named(cache: VectorCache) -> None:
    vectors = vectors_of(LetterModel(), cache, TITLE, BOTH)
    vectors.make(COLUMNS, ROWS)
    alone = vectors_of(LetterModel(), cache, TITLE, BOTH)
    assert shown(alone.known(COLUMNS, ROWS, ["both"])) == [{"both": [1, 1]}, {"both": [0, 2]}, {}]
    assert list(alone.done()) == ["both"]  # No other one was opened.


def test_what_is_known_is_looked_up_without_a_call(cache: VectorCache) -> None:
    model = LetterModel()
    vectors = vectors_of(model, cache, TITLE)
    vectors.make(COLUMNS, ROWS[:1])
    assert shown(vectors.known(COLUMNS, [*ROWS, ("4", "b", None)])) == [{"title": [1, 0]}, {}, {}, {"title": None}]
    assert model.asked == [["a"]]


class AwayModel(LetterModel):
    """A model whose service does not answer."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        super().embed(texts)
        raise TransientEmbeddingError("letters do not answer")


def test_a_row_waits_for_a_model_that_is_away(cache: VectorCache) -> None:
    with pytest.raises(TransientEmbeddingError, match="do not answer"):
        vectors_of(AwayModel(), cache, TITLE).make(COLUMNS, ROWS)


def test_or_goes_without_the_vector_where_the_mapping_says_so(cache: VectorCache) -> None:
    """What the cache has it gets all the same; and the model is asked once, not for each group of rows."""
    vectors_of(LetterModel(), cache, TITLE).make(COLUMNS, ROWS[:1])
    model, patient = AwayModel(), TITLE.model_copy(update={"on_failure": "without_vector"})
    vectors = vectors_of(model, cache, patient)
    for _ in range(3):
        assert shown(vectors.make(COLUMNS, [*ROWS[:1], ("4", "b", None)])) == [{"title": [1, 0]}, {"title": None}]
    assert len(model.asked) == 1


def collection(*vectors: VectorMapping) -> CollectionMapping:
    body = PropertyMapping(name="body", column="body", type="text", index="words")
    return CollectionMapping(name="Note", table="notes", properties=(body,), vectors=vectors)


def mapping_of(folder: Path, *vectors: VectorMapping) -> Mapping:
    return Mapping.model_validate(
        {"name": "notes", "models": {"letters": {"folder": str(folder)}}, "collections": (collection(*vectors),)}
    )


def test_a_collection_without_such_vectors_opens_nothing(tmp_path: Path) -> None:
    mapping = Mapping(name="notes", collections=(collection(),))
    with OpenModels(tmp_path / "vectors.sqlite") as models:
        assert models.made_vectors(mapping, mapping.collections[0], {}) is NO_MADE_VECTORS
        assert models.digests(mapping, mapping.collections[0]) == {}
    assert NO_MADE_VECTORS.make(COLUMNS, ROWS) == [{}, {}, {}]
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_opened_once_for_all_its_vectors(tmp_path: Path, static_model: Path) -> None:
    mapping = mapping_of(static_model, TITLE, BOTH)
    with OpenModels(tmp_path / "vectors.sqlite") as models:
        digests = models.digests(mapping, mapping.collections[0])
        vectors = models.made_vectors(mapping, mapping.collections[0], digests)
        made = vectors.make(COLUMNS, ROWS[:1])
        assert {name: numbers is not None and numbers.shape for name, numbers in made[0].items()} == {
            "title": (256,),
            "both": (256,),
        }
        (title, _), (both, _) = vectors.done().values()
        assert title is both
        assert digests == {"title": title.digest, "both": title.digest}


def test_another_model_under_way_is_refused(tmp_path: Path, static_model: Path) -> None:
    mapping = mapping_of(static_model, TITLE)
    with OpenModels(tmp_path / "vectors.sqlite") as models:
        vectors = models.made_vectors(mapping, mapping.collections[0], {"title": "0" * 64})
        for look_up in (vectors.make, vectors.known):
            with pytest.raises(MigrationConflictError, match="which makes the vector Note"):
                look_up(COLUMNS, ROWS)
    noted = {"title": "1", "gone": "2"}
    refuse_other_models(mapping.collections[0], {"title": "1"}, noted)
    refuse_other_models(mapping.collections[0], {"title": "1"}, {})
