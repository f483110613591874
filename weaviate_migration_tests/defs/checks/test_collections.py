"""Which checks the comparison of a collection is, as runs of ranges choose them."""

import pytest

from weaviate_migration.defs.build import asset_graph
from weaviate_migration.runs.jobs import comparison_checks
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration_tests.mapping.test_vector_mapping import MADE, mapping

PARTITIONS = 16


@pytest.mark.parametrize("vectors", [[], [MADE]])
def test_the_checks_of_a_comparison_are_named_as_its_step_has_them(vectors: list[object]) -> None:
    names, whole = DagsterNames(), mapping(*vectors)
    found = asset_graph(whole, names, PARTITIONS).asset_check_keys
    of_collection = {each for each in found if each.asset_key == names.asset("note")}
    assert {*comparison_checks(whole.collections, names)} == of_collection
