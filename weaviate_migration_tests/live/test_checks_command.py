"""`checks` on real migrations: what it says, what it writes, and its exit code."""

import json
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import weaviate
from dagster._core.execution.backfill import PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG
from junitparser import Error, Failure, JUnitXml, TestCase
from weaviate.collections import Collection

from weaviate_migration_tests.live.command_line import Ended, run_here
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import NoteMigration, note_id
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

EACH = 64 // len(PARTITION_KEYS)
NOTE = dg.AssetKey("note")
Place = tuple[str, str, str | None]


@pytest.fixture
def notes(kept_notes: KeptNotes, client: weaviate.WeaviateClient) -> NoteMigration:  # noqa: ARG001
    return kept_notes.begin()


@pytest.fixture
def run_id(notes: NoteMigration, kept_notes: KeptNotes) -> str:  # noqa: ARG001
    """The run of a migration that is done."""
    return str(kept_notes.migrated("--json").json["run_id"])


@pytest.fixture
def collection(run_id: str, client: weaviate.WeaviateClient) -> Collection[Any, Any]:  # noqa: ARG001
    """Its collection."""
    return client.collections.use("Note")


def checks(notes: NoteMigration, *more: object) -> Ended:
    return run_here("checks", "--mapping", notes.mapping, "--work-dir", notes.work_dir, *more)


def places(definitions: dg.Definitions) -> set[Place]:
    """Every check of the definitions, on each partition where it is stored so."""
    specs = [spec for each in definitions.resolve_asset_graph().assets_defs for spec in each.check_specs]
    return {
        (spec.asset_key.to_user_string(), spec.name, partition)
        for spec in specs
        for partition in (PARTITION_KEYS if spec.partitions_def else [None])
    }


def by_place(report: dict[str, Any]) -> dict[Place, dict[str, Any]]:
    found = {(each["asset"], each["name"], each["partition"]): each for each in report["checks"]}
    assert len(found) == len(report["checks"]) == report["totals"]["checks"]
    return found


def cases(path: Path) -> dict[str, TestCase]:
    """The JUnit file's cases by class and name, as a parser that is not ours reads them."""
    found = [case for suite in JUnitXml.fromfile(str(path)) for case in suite]
    return {f"{case.classname}.{case.name}": case for case in found}


def check_alone(
    definitions: dg.Definitions, instance: dg.DagsterInstance, partition: str, **tags: str
) -> dg.ExecuteInProcessResult:
    """The checks of one partition and nothing else, as the UI runs them."""
    job = definitions.resolve_job_def("migrate")
    keys = definitions.resolve_asset_graph().get_check_keys_for_assets({NOTE})
    return job.get_subset(asset_selection=set(), asset_check_selection=set(keys)).execute_in_process(
        instance=instance, partition_key=partition, raise_on_error=False, tags=tags
    )


def test_all_passed(
    notes: NoteMigration,
    run_id: str,
    definitions: dg.Definitions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    junit, markdown = tmp_path / "checks.xml", tmp_path / "checks.md"
    ended = checks(notes, "--json", "--junit", junit, "--markdown", markdown)
    assert ended.code == 0, ended.stderr
    found = by_place(ended.json)
    assert found.keys() == places(definitions)
    assert {(each["status"], each["run_id"]) for each in found.values()} == {("passed", run_id)}
    assert found["note", "count", "07"]["metadata"] == {"rows": EACH, "objects": EACH}
    assert found["note", "count", "07"]["timestamp"].endswith("+00:00")
    assert len(cases(junit)) == len(found)
    assert not any(case.result for case in cases(junit).values())
    assert "| ✅ | note | count | passed, 16/16 partitions | yes |" in markdown.read_text(encoding="utf-8")
    assert by_place(checks(notes, "--json", "--run", run_id).json) == found

    monkeypatch.setenv("DAGSTER_HOME", str(notes.work_dir / "dagster_home"))
    shown = run_here("checks", "--mapping", notes.mapping, "--work-dir", tmp_path / "elsewhere")
    assert shown.code == 0, shown.stderr
    assert "passed, 16/16 partitions" in shown.stdout
    assert f"{len(found)} checks: {len(found)} passed." in shown.stdout


def test_an_object_damaged_behind_its_back(
    notes: NoteMigration,
    collection: Collection[Any, Any],
    run_id: str,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    tmp_path: Path,
) -> None:
    collection.data.delete_by_id(note_id(3 * EACH))
    result = check_alone(definitions, instance, "03")
    assert not result.success

    junit, markdown = tmp_path / "checks.xml", tmp_path / "checks.md"
    ended = checks(notes, "--json", "--junit", junit, "--markdown", markdown)
    assert ended.code == 3
    found = by_place(ended.json)
    failed = {place for place, each in found.items() if each["status"] == "failed"}
    assert ("note", "count", "03") in failed
    assert {partition for _, _, partition in failed} <= {"03", None}
    assert {each["status"] for place, each in found.items() if place not in failed} == {"passed"}
    count = found["note", "count", "03"]
    assert (count["run_id"], count["metadata"]) == (result.run_id, {"rows": EACH, "objects": EACH - 1})
    assert (count["blocking"], count["severity"]) == (True, "ERROR")

    with_failure = {name: case.result for name, case in cases(junit).items() if case.result}
    assert len(with_failure) == len(failed)
    (failure,) = with_failure["note.count[03]"]
    assert isinstance(failure, Failure)
    assert failure.message == count["description"]
    assert "objects: 3" in str(failure.text)

    told = markdown.read_text(encoding="utf-8")
    assert "| ❌ | note | count | failed, 15/16 partitions | yes |" in told
    assert "<summary>❌ note: count, partition 03</summary>" in told
    assert note_id(3 * EACH) in told
    assert "failed: note: count, partition 03: 4 rows in the extract, 3 objects in Weaviate" in checks(notes).stdout

    older = checks(notes, "--json", "--run", run_id)
    assert older.code == 0
    assert {each["status"] for each in older.json["checks"]} == {"passed"}
    alone = by_place(checks(notes, "--json", "--run", result.run_id).json)
    assert {partition for _, _, partition in alone} == {"03", None}


def test_materialized_after_the_check(
    notes: NoteMigration, collection: Collection[Any, Any], definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert collection.data.exists(note_id(0))
    job = definitions.resolve_job_def("migrate").get_subset(asset_selection={NOTE}, asset_check_selection=set())
    materialized = job.execute_in_process(instance=instance, partition_key="03")
    ended = checks(notes, "--json")
    assert ended.code == 3
    found = by_place(ended.json)
    late = {place for place, each in found.items() if each["status"] == "out of date"}
    assert ("note", "count", "03") in late
    # What is stored once speaks of the whole collection.
    assert late == {place for place in found if place[0] == "note" and place[2] in ("03", None)}
    assert materialized.run_id in found["note", "count", "03"]["description"]
    check_alone(definitions, instance, "03")
    assert checks(notes).code == 0


def test_a_run_that_failed_before_its_checks(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    made = notes.migrate("--no-cutover", "--json").json
    client.collections.use(made["collections"]["Note"]["collection"]).config.update_shards("READONLY")
    notes.forget_loaded()
    failed = notes.migrate("--no-rollback", "--max-retries", 0, "--json")
    assert failed.code == 1
    junit = notes.folder / "checks.xml"
    ended = checks(notes, "--json", "--junit", junit)
    assert ended.code == 3
    found = by_place(ended.json)
    assert found.pop(("source_audit", "writable", None))["status"] == "passed"
    assert found.pop(("sqlite_snapshot", "everything_mapped", None))["status"] == "passed"
    assert {each["status"] for each in found.values()} == {"never ran"}
    assert all(failed.json["run_id"] in each["description"] for each in found.values())
    results = [
        each.result for each in cases(junit).values() if each.classname not in ("source_audit", "sqlite_snapshot")
    ]
    assert len(results) == len(found)
    assert all(isinstance(error, Error) for each in results for error in each)
    shown = checks(notes).stdout
    assert "never ran, 0/16 partitions" in shown
    assert "ended before it ran (failure)" in shown
    assert checks(notes, "--run", made["run_id"]).code == 0
    assert checks(notes, "--run", failed.json["run_id"]).code == 3


# Dagster's own, from what it does itself to store a backfill of assets.
@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources` is deprecated")
def test_a_backfill(
    notes: NoteMigration, collection: Collection[Any, Any], definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """Of three partitions one fails, one passes after it, and one gets no run."""
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="tmpbbkfl",
        asset_graph=definitions.resolve_asset_graph(),
        partition_names=["03", "04", "05"],
        asset_selection=[NOTE],
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)
    collection.data.delete_by_id(note_id(3 * EACH))
    tags = {BACKFILL_ID_TAG: backfill.backfill_id}
    assert not check_alone(definitions, instance, "03", **tags).success
    assert check_alone(definitions, instance, "04", **tags).success

    ended = checks(notes, "--backfill", "--json")
    assert ended.code == 3
    assert ended.json["backfill_id"] == backfill.backfill_id
    found = {place: each["status"] for place, each in by_place(ended.json).items()}
    by_partition = {partition: found["note", "count", partition] for _, _, partition in found if partition}
    assert by_partition == {"03": "failed", "04": "passed", "05": "never ran"}
    # The run of partition 04 says nothing about the rows of 03.
    assert found["note", "sample", None] == "failed"
    assert checks(notes, "--json", "--backfill", backfill.backfill_id).json == ended.json


def test_a_fresh_instance(notes: NoteMigration, definitions: dg.Definitions) -> None:
    ended = checks(notes)
    assert ended.code == 3
    assert "No check has run yet" in ended.stdout
    found = by_place(checks(notes, "--json").json)
    assert found.keys() == places(definitions)
    assert {each["status"] for each in found.values()} == {"never ran"}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--run", "7c6b2f3a"], "has no run 7c6b2f3a"),
        (["--backfill", "abcdefgh"], "has no backfill abcdefgh"),
        (["--backfill"], "has no backfill."),
        (["--run", "7c6b2f3a", "--backfill"], "exclude each other"),
        (["--json", "--junit", "-"], "standard output"),
        (["--junit", "-", "--markdown", "-"], "standard output"),
        (["--junit", "no/such/folder/checks.xml"], "cannot be written: No such file or directory"),
        (["--markdown", "/"], "cannot be written: Is a directory"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused(notes: NoteMigration, options: list[str], complaint: str) -> None:
    ended = checks(notes, *options)
    assert (ended.code, ended.stdout) == (2, "")
    assert complaint in ended.complaint[0]
    assert len(ended.complaint) == 2


def test_a_dry_run_has_checked_nothing(notes: NoteMigration) -> None:
    run_id = notes.migrate("--dry-run", "--json").json["run_id"]
    ended = checks(notes, "--run", run_id)
    assert ended.code == 2
    assert f"No check of this mapping belongs to {run_id}" in ended.complaint[0]


def test_a_home_that_cannot_be_made(notes: NoteMigration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(notes.source / "home"))
    ended = checks(notes)
    assert ended.code == 2
    assert "cannot be made: Not a directory" in ended.complaint[0]


def test_standard_output_has_the_file_and_nothing_else(notes: NoteMigration) -> None:
    junit = checks(notes, "--junit", "-", "--markdown", notes.folder / "checks.md")
    assert {suite.name for suite in JUnitXml.fromstring(junit.stdout)} == {"note", "source_audit", "sqlite_snapshot"}
    assert checks(notes, "--markdown", "-").stdout == (notes.folder / "checks.md").read_text(encoding="utf-8")
    assert json.loads(checks(notes, "--json").stdout)["totals"]["never ran"] > 0
