"""What a dry run says would be refused, as the server would do it."""

from pathlib import Path

import pytest

from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.mapping import CollectionMapping, Mapping, PropertyMapping, VectorMapping
from weaviate_migration.phases.preflight.dry_run import DryRunOutcome, rehearse
from weaviate_migration_tests.source.databases import make

ID = PropertyMapping(name="noteId", column="id", index="whole")


def rehearsed(folder: Path, *vectors: VectorMapping) -> DryRunOutcome:
    source = make(folder / "app.db", "CREATE TABLE notes (id TEXT PRIMARY KEY, one, two)")
    for number, (one, two) in enumerate([("[1, 2]", "[1]"), ("[3, 4]", "[1, 2]"), ("[5]", "no vector"), (None, "[7]")]):
        values = ", ".join("NULL" if each is None else f"'{each}'" for each in (one, two))
        make(source, f"INSERT INTO notes VALUES ('{number}', {values})")
    collection = CollectionMapping(name="Note", table="notes", properties=(ID,), vectors=vectors)
    mapping = Mapping(name="test", collections=(collection,))
    (outcome,) = rehearse(source, mapping, folder, DEFAULT_PARTITIONS, 4, allow_pause=True, say=lambda _: None)
    return outcome


def test_vectors_of_another_length_than_the_first_would_be_refused(tmp_path: Path) -> None:
    outcome = rehearsed(tmp_path, VectorMapping(name="one", column="one"))
    assert (outcome.rows, outcome.would_write, outcome.refused) == (4, 3, 1)
    assert outcome.examples == ("2: vector one has 1 numbers, and the first one has 2",)


@pytest.mark.parametrize("column", ["one", "two"])
def test_vectors_that_are_parted_by_their_length_are_all_written(tmp_path: Path, column: str) -> None:
    parted = [VectorMapping(name=f"of{length}", column=column, length=length) for length in (1, 2)]
    outcome = rehearsed(tmp_path, *parted)
    assert (outcome.would_write, outcome.refused, outcome.examples) == (4, 0, ())
