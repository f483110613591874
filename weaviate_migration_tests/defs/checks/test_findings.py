"""What the checks say where there is nothing to look at."""

from weaviate_migration.defs.checks.findings import relations_finding


def test_relations_of_a_table_that_the_file_lacks() -> None:
    finding = relations_finding([], [])
    assert finding["passed"]
    assert finding["description"] == "the file has no such table or column: nothing to look up."
