from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.phases.history.ascending import Ascending

ASCENDING = st.lists(st.text("ab", max_size=3), unique=True).map(sorted)


@given(ASCENDING, ASCENDING)
def test_what_is_not_among_others_is_the_difference_of_sets(first: list[str], second: list[str]) -> None:
    others = Ascending(second)
    assert [each for each in first if not others.has(each)] == sorted(set(first) - set(second))


@given(ASCENDING, ASCENDING)
def test_one_that_is_asked_for_twice_is_there_twice_and_none_never(first: list[str], second: list[str]) -> None:
    others = Ascending(second)
    asked = [None, *(each for each in first for _ in range(2)), None]
    assert [others.has(each) for each in asked] == [each in second for each in asked]
