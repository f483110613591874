from hypothesis import given
from hypothesis import strategies as st

from weaviate_migration.phases.history.load import only_in_first

ASCENDING = st.lists(st.text("ab", max_size=3), unique=True).map(sorted)


@given(ASCENDING, ASCENDING)
def test_only_in_first_is_the_difference_of_sets(first: list[str], second: list[str]) -> None:
    assert list(only_in_first(first, second)) == sorted(set(first) - set(second))
