"""A migration that is cut into another number of partitions than sixteen: for its life, whoever works on it."""

import dagster as dg
import pytest
import weaviate

from weaviate_migration.base.partitions import partition_keys
from weaviate_migration.defs.build import build_definitions
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import empty, run_here
from weaviate_migration_tests.live.notes import NoteMigration, fresh_notes, note_id

ROWS = 64
PARTITIONS = 128
KEYS = partition_keys(PARTITIONS)
# Notes are spread evenly, and so are the bounds where partitions are more than rows.
OF_LAST_NOTE = KEYS[-1]


@pytest.fixture(scope="module")
def migrated(
    tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: weaviate.WeaviateClient
) -> NoteMigration:
    """A migration of more partitions than rows, which is done."""
    empty(connected)
    notes = fresh_notes(tmp_path_factory.mktemp("migrated"), server)
    ended = notes.migrate("--partitions", PARTITIONS, "--json")
    assert ended.code == 0, ended.stderr
    for name in ("count", "every_object"):
        passed = [each["partition"] for each in ended.json["checks"] if each["name"] == name and each["passed"]]
        assert passed == list(KEYS)
    return notes


def test_whoever_names_no_number_finds_the_migration_s_own(
    migrated: NoteMigration, connected: weaviate.WeaviateClient
) -> None:
    connected.collections.use("Note").data.delete_by_id(note_id(ROWS - 1))
    found = run_here("verify", *migrated.options, "--json")
    assert (found.code, found.json["total_differences"]) == (3, 1), found.stderr
    assert [each["partition"] for each in found.json["differences"]] == [OF_LAST_NOTE]


def test_the_ui_has_the_migration_s_partitions(migrated: NoteMigration, connected: weaviate.WeaviateClient) -> None:
    objects = connected.collections.use("Note")
    objects.data.delete_by_id(note_id(ROWS - 1))
    job = build_definitions(migrated.config).resolve_job_def("migrate")
    ends = {"dagster/asset_partition_range_start": "0100", "dagster/asset_partition_range_end": KEYS[-1]}
    with dagster_instance(migrated.work_dir) as instance:
        ended = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("note")], tags=ends)
    assert ended.success
    made = ended.asset_materializations_for_node("note")
    assert sorted(str(each.partition) for each in made) == list(KEYS[100:])
    assert objects.data.exists(note_id(ROWS - 1))


@pytest.mark.parametrize("asset", ["notes_extract", "note", "cutover"])
def test_definitions_with_another_number_are_refused(migrated: NoteMigration, asset: str) -> None:
    """As of a code location that was loaded before the migration began."""
    config = migrated.config.model_copy(update={"partitions": 16})
    job = build_definitions(config).resolve_job_def("migrate")
    with dagster_instance(migrated.work_dir) as instance:
        ended = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(asset)],
            partition_key=None if asset == "cutover" else "03",
            raise_on_error=False,
        )
    assert not ended.success
    (failed,) = ended.get_step_failure_events()
    assert "has 128 partitions for its life, and not 16" in str(failed.step_failure_data.error)


def test_the_next_migration_may_have_another_number(
    migrated: NoteMigration, connected: weaviate.WeaviateClient
) -> None:
    begun = migrated.migrate("--partitions", 1, "--no-cutover", "--json")
    assert begun.code == 0, begun.stderr
    refused = migrated.migrate("--partitions", 2)
    assert (refused.code, "number of partitions 1, now 2" in refused.stderr) == (2, True)
    assert run_here("cutover", *migrated.options).code == 0
    assert [each.partitions for each in WorkFolder(migrated.work_dir).records.all()] == [PARTITIONS, 1]
    assert sum(1 for _ in connected.collections.use("Note").iterator()) == ROWS
