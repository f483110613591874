"""One table that several runs load, each a range of its partitions; checks and switch are about all of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from weaviate import WeaviateClient

from weaviate_migration.phases.dual_write.collection_load import load_collection
from weaviate_migration.phases.history.changes import CollectionChanges
from weaviate_migration.phases.history.extract.storage import open_partition
from weaviate_migration.phases.validation.collection_proof import CollectionProof, compare_and_keep
from weaviate_migration.phases.validation.partition_comparison import kept_comparisons
from weaviate_migration.runs import awaited_run
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.target.write import write_settings
from weaviate_migration.vectors.open_models import OpenModels
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import holdings
from weaviate_migration_tests.live.notes import NoteMigration
from weaviate_migration_tests.partition_keys import PARTITION_KEYS


def runs_of(work_dir: Path) -> list[dg.DagsterRun]:
    """Those of a work folder, the first one first."""
    with dagster_instance(work_dir) as instance:
        return list(instance.get_runs())[::-1]


def requests_under_way(run: dg.DagsterRun) -> int:
    """How many a run sends at a time at most."""
    config: Any = run.run_config
    count: int = config["resources"]["batches"]["config"]["worker_count"]
    return count


def test_ranges_of_partitions_are_loaded_by_runs_of_their_own(notes: NoteMigration, connected: WeaviateClient) -> None:
    executor = notes.folder / "executor.yaml"
    executor.write_text("multiprocess: {max_concurrent: 3}\n")
    ended = notes.migrate("--partitions-per-task", "10", "--executor", executor, "--workers", "6", "--json")
    assert ended.code == 0, ended.stderr
    result = ended.json
    assert (result["migrated_records"], result["total_records"]) == (64, 64)
    assert {"audit", "schema", "snapshot", "extract", "load", "checks", "cutover"} <= result["phases"].keys()
    assert result["certificate"]
    runs = runs_of(notes.work_dir)
    assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * 7
    assert runs[-1].run_id == result["run_id"]
    # They are made side by side, in no order of their own.
    ranges = {
        (run.tags["dagster/asset_partition_range_start"], run.tags["dagster/asset_partition_range_end"])
        for run in runs[1:3]
    }
    assert ranges == {("00", "09"), ("10", "15")}
    # Three processes share six requests under way, and so do two ranges that are loaded or compared side by side.
    assert [requests_under_way(run) for run in runs] == [2, *[3, 3], *[3, 3], 2, 2]
    folder = WorkFolder(notes.work_dir)
    record = folder.records.newest()
    assert record is not None
    mapping = folder.mappings.read(record.mapping_digest)
    assert mapping is not None
    (collection,) = mapping.collections
    assert list(folder.loaded(record, collection).tallies(PARTITION_KEYS)) == list(PARTITION_KEYS)
    # What was compared is taken over, but not where changes were applied since, nor after another load.
    paths, kept = folder.extract_paths(record, collection, PARTITION_KEYS), kept_comparisons(folder, record, collection)
    at_first = kept.all()
    kept.write("03", replace(at_first["03"], objects=998))
    kept.write("04", replace(at_first["04"], objects=999, applied=7))
    unfollowed = CollectionChanges(folder, record.collection(collection), None, None, record)
    proof = CollectionProof(collection, record, paths, connected, unfollowed)
    taken = {each.partition: each for each in compare_and_keep(proof, ["03", "04"], record, folder, resume=True)}
    assert (taken["03"].objects, taken["04"].objects) == (998, at_first["04"].objects)
    assert kept.all()["04"] == at_first["04"]
    extracts = {key: open_partition(paths[key]) for key in ("03", "04")}
    with OpenModels(folder.vector_cache_place, notes.config) as models:
        settings = write_settings(notes.config, connected)
        load_collection(connected, folder, record, mapping, collection, extracts, settings, models, resume=True)
    assert kept.all().keys() == at_first.keys() - extracts.keys()


def test_a_range_that_fails_ends_the_migration_before_its_checks(notes: NoteMigration) -> None:
    assert notes.migrate("--no-cutover").code == 0
    notes.block_extracts()
    ended = notes.migrate("--partitions-per-task", "8", "--json")
    assert ended.code == 1
    assert ended.json["errors"]
    failed = runs_of(notes.work_dir)[1:]
    assert [run.status for run in failed] == [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def test_workers_that_are_gone_after_the_first_run_leave_what_was_made(
    notes: NoteMigration, connected: WeaviateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(awaited_run, "absent_workers", lambda _executor: "Nobody is there.")
        ended = notes.migrate("--partitions-per-task", "8", "--json")
    assert ended.code == 1
    assert "Nobody is there." in ended.stderr
    assert "the same command goes on with the migration" in ended.stderr
    (first,) = runs_of(notes.work_dir)
    assert first.status is dg.DagsterRunStatus.SUCCESS
    before = holdings(connected)
    assert any(each.startswith("Note_") for each in before[0])
    assert notes.migrate("--partitions-per-task", "8").code == 0
    assert holdings(connected)[0] == before[0]
