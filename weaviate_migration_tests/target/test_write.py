import pytest
from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.mapping.row_to_object import ObjectDraft
from weaviate_migration.target.message_size import estimated_bytes, estimated_size, too_large
from weaviate_migration.target.write import WriteSettings, cut_into_batches


def settings(batch_size: int, max_batch_bytes: int) -> WriteSettings:
    return WriteSettings(batch_size, max_batch_bytes, 10_000, 1, 0, 0.0)


def draft(number: int, size: int = 0) -> ObjectDraft:
    return ObjectDraft(f"00000000-0000-4000-8000-{number:012}", str(number), {"body": "x" * size})


def cut(sizes: list[int], batch_size: int, max_batch_bytes: int) -> list[int]:
    drafts = [draft(number, size) for number, size in enumerate(sizes)]
    batches = list(cut_into_batches("03", drafts, settings(batch_size, max_batch_bytes)))
    assert [each for batch in batches for each in batch.drafts] == drafts
    assert {batch.partition for batch in batches} <= {"03"}
    return [len(batch.drafts) for batch in batches]


def test_batches_are_cut_by_number() -> None:
    assert cut([0] * 7, batch_size=3, max_batch_bytes=10_000) == [3, 3, 1]
    assert cut([], batch_size=3, max_batch_bytes=10_000) == []


def test_batches_are_cut_by_bytes() -> None:
    assert cut([400] * 5, batch_size=100, max_batch_bytes=1000) == [2, 2, 1]
    assert cut([400, 5000, 400], batch_size=100, max_batch_bytes=1000) == [1, 1, 1]


@given(st.lists(st.integers(0, 2000)), st.integers(1, 10), st.integers(100, 3000))
def test_no_batch_is_over_a_limit_unless_it_is_one_object(sizes: list[int], batch_size: int, limit: int) -> None:
    drafts = [draft(number, size) for number, size in enumerate(sizes)]
    for batch in cut_into_batches("00", drafts, settings(batch_size, limit)):
        assert batch.estimated_bytes == sum(estimated_bytes(each.properties) for each in batch.drafts)
        assert len(batch.drafts) <= batch_size
        assert batch.estimated_bytes <= limit or len(batch.drafts) == 1


def test_estimates_count_bytes_not_characters() -> None:
    assert estimated_bytes("ñ🎉") - estimated_bytes("") == 6
    assert estimated_bytes({"name": ["ab", "c"], "n": 1}) > estimated_bytes({"name": ["ab"], "n": 1})
    assert estimated_bytes("\ud800") - estimated_bytes("") == 3


def test_vectors_count_with_four_bytes_a_number() -> None:
    with_vector = draft(1)._replace(vectors={"seen": [0.5] * 100})
    assert 400 <= estimated_size(with_vector) - estimated_size(draft(1)) <= 450
    limit = settings(100, 2 * estimated_size(with_vector))
    assert [len(batch.drafts) for batch in cut_into_batches("03", [with_vector] * 5, limit)] == [2, 2, 1]


@pytest.mark.parametrize(("size", "refused"), [(99, False), (100, False), (101, True)])
def test_too_large(size: int, refused: bool) -> None:
    assert bool(too_large(size, 100)) is refused
