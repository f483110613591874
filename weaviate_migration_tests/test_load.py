from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.extract.storage_classes import ExtractRow
from weaviate_migration.load import DUPLICATE_KEY, NO_KEY, only_in_first, with_unusable_keys


def judged(*uuids: str | None) -> list[tuple[str | None, str | None]]:
    return [(row.uuid, reason) for row, reason in with_unusable_keys(ExtractRow(each, (), ()) for each in uuids)]


def test_rows_with_keys_of_their_own_can_be_used() -> None:
    assert judged() == []
    assert judged("a") == [("a", None)]
    assert judged("a", "b") == [("a", None), ("b", None)]


def test_every_row_that_shares_a_key_is_refused() -> None:
    assert judged("a", "a", "b") == [("a", DUPLICATE_KEY), ("a", DUPLICATE_KEY), ("b", None)]
    assert judged("a", "b", "b", "b") == [("a", None), *[("b", DUPLICATE_KEY)] * 3]


def test_rows_without_a_key_are_not_duplicates_of_each_other() -> None:
    assert judged(None, None, "a") == [(None, NO_KEY), (None, NO_KEY), ("a", None)]


@given(st.lists(st.none() | st.sampled_from("abcde")))
def test_a_row_can_be_used_if_its_uuid_is_there_once(uuids: list[str | None]) -> None:
    ordered = sorted(uuids, key=lambda each: each or "")
    usable = [each for each, reason in judged(*ordered) if reason is None]
    assert usable == [each for each in ordered if each is not None and ordered.count(each) == 1]


ASCENDING = st.lists(st.text("ab", max_size=3), unique=True).map(sorted)


@given(ASCENDING, ASCENDING)
def test_only_in_first_is_the_difference_of_sets(first: list[str], second: list[str]) -> None:
    assert list(only_in_first(first, second)) == sorted(set(first) - set(second))
