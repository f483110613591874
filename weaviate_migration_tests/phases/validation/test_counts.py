"""What people are told of counts."""

from weaviate_migration.phases.validation.partition_comparison import CountComparison


def test_counts_that_agree_and_counts_that_do_not() -> None:
    assert CountComparison(40, 40).passed
    fewer = CountComparison(41, 40)
    assert not fewer.passed
    assert fewer.to_text().startswith("41 rows in the extract, 40 objects in Weaviate: 1 are missing.")
    assert "there are too many" in CountComparison(39, 40).to_text()
