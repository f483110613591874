import pytest
import weaviate

from weaviate_migration.base.errors import MigrationConflictError
from weaviate_migration.target.aliases import alias_targets, point_aliases, refuse_foreign_names
from weaviate_migration.target.schema import Origin, ensure_collection
from weaviate_migration_tests.strategies import EVERY_TYPE


@pytest.fixture
def ours(client: weaviate.WeaviateClient) -> weaviate.WeaviateClient:
    """A server with two versions of a collection, made by two migrations."""
    for migration in ("1", "2"):
        ensure_collection(client, f"Note_{migration}", EVERY_TYPE, Origin(migration, "/data/app.db", "digest"))
    return client


def test_aliases_are_made_moved_and_removed(ours: weaviate.WeaviateClient) -> None:
    assert alias_targets(ours, ["Note", "Page"]) == {"Note": None, "Page": None}
    point_aliases(ours, {"Note": "Note_1", "Page": "Note_1"})
    assert alias_targets(ours, ["Note", "Page"]) == {"Note": "Note_1", "Page": "Note_1"}
    point_aliases(ours, {"Note": "Note_2", "Page": "Note_1"})
    assert alias_targets(ours, ["Page", "Note"]) == {"Page": "Note_1", "Note": "Note_2"}
    point_aliases(ours, {"Note": None, "Nothing": None})
    assert set(ours.alias.list_all()) == {"Page"}


def test_reads_through_the_alias_follow_at_once(ours: weaviate.WeaviateClient) -> None:
    ours.collections.use("Note_1").data.insert({"noteId": "old"})
    ours.collections.use("Note_2").data.insert({"noteId": "new"})
    for target, held in (("Note_1", "old"), ("Note_2", "new"), ("Note_1", "old")):
        point_aliases(ours, {"Note": target})
        (found,) = ours.collections.use("Note").query.fetch_objects().objects
        assert found.properties["noteId"] == held


def test_free_names_and_those_of_migrations_are_taken(ours: weaviate.WeaviateClient) -> None:
    point_aliases(ours, {"Note": "Note_1"})
    refuse_foreign_names(ours, ["Note", "Page"])


def test_foreign_names_are_refused_all_at_once(ours: weaviate.WeaviateClient) -> None:
    ours.collections.create("Mine")
    ours.collections.create("Page")
    point_aliases(ours, {"Note": "Mine", "Other": "Note_1"})
    with pytest.raises(MigrationConflictError) as error:
        refuse_foreign_names(ours, ["Note", "Other", "Page"])
    assert error.value.message == (
        "Weaviate holds what is not ours: the alias `Note` points at `Mine`, which no migration made; "
        "the collection `Page` has the name of an alias of this migration."
    )
    assert "--prefix" in error.value.hint


def test_fact_an_alias_outlives_its_collection(ours: weaviate.WeaviateClient) -> None:
    point_aliases(ours, {"Note": "Note_1"})
    ours.collections.delete("Note_1")
    assert alias_targets(ours, ["Note"]) == {"Note": "Note_1"}
    with pytest.raises(MigrationConflictError, match="`Note` points at `Note_1`, which is not there any more"):
        refuse_foreign_names(ours, ["Note"])


def test_no_alias_is_moved_where_one_cannot_be(ours: weaviate.WeaviateClient) -> None:
    point_aliases(ours, {"Note": "Note_1"})
    with pytest.raises(MigrationConflictError, match="No alias was moved: Page_2"):
        point_aliases(ours, {"Note": "Note_2", "Page": "Page_2"})
    assert alias_targets(ours, ["Note", "Page"]) == {"Note": "Note_1", "Page": None}
