"""Two migrations in a project of others, beside an asset of theirs: loaded, proven and followed in their instance."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import weaviate

from weaviate_migration import build_migration_definitions, read_check_report, read_migration_report, read_status
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.runs.events import run_failures
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.documentation import code_blocks
from weaviate_migration_tests.live.command_line import at, empty, run_here
from weaviate_migration_tests.live.notes import make_mapping, note_file, note_id
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

# Dagster says so of itself, where a resource is made of resources, as dagster-weaviate's is.
pytestmark = pytest.mark.filterwarnings("ignore:InitResourceContext.dagster_run is deprecated")

ALL = tuple(
    (f"dagster/asset_partition_range_{end}", key)
    for end, key in (("start", PARTITION_KEYS[0]), ("end", PARTITION_KEYS[-1]))
)
CHECKS = {"count", "every_object", "uuids", "types", "sample", "search"}


@dg.asset
def note() -> None:
    """An asset of the project that has the name of one of ours."""


@dg.job
def migrate() -> None:
    """A job of the project that has the name of one of ours."""


@dataclass(frozen=True)
class Project:
    """A project of others, and its instance.

    Attributes:
        crm, shop: the settings of its migrations; the second takes the project's own server.
    """

    crm: MigrationConfig
    shop: MigrationConfig
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def run(self, job: str) -> dg.ExecuteInProcessResult:
        """A run of a whole job, as the UI launches it."""
        resolved = self.definitions.resolve_job_def(job)
        return resolved.execute_in_process(instance=self.instance, raise_on_error=False, tags=dict(ALL))

    def choose(self, *keys: Sequence[str], partition: str | None = None) -> dg.ExecuteInProcessResult:
        """A run of chosen assets and their checks, as the UI launches it: without a job of ours."""
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(key) for key in keys],
            partition_key=partition,
            raise_on_error=False,
        )


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: weaviate.WeaviateClient
) -> Iterator[Project]:
    """The one of the page, with both migrated: `crm` while its application goes on writing."""
    empty(connected)
    folder = tmp_path_factory.mktemp("project")
    for name, rows in (("crm", 32), ("shop", 64)):
        note_file(folder / f"{name}.db", rows=rows)
        make_mapping(folder / f"{name}.yaml")
    (example,) = code_blocks("python", "dagster.md")
    example = example.replace("localhost", server.host).replace("8080", str(server.http_port))
    example = example.replace("50051", str(server.grpc_port))
    example = example.replace("        prefix=", f"        grpc_port={server.grpc_port},\n        prefix=")
    names: dict[str, Any] = {"__file__": str(folder / "definitions.py")}
    exec(example, names)
    definitions = dg.Definitions.merge(names["defs"], dg.Definitions(assets=[note], jobs=[migrate]))
    with dg.instance_for_test(temp_dir=str(folder)) as instance:
        made = Project(names["settings"]("crm"), names["settings"]("shop"), definitions, instance)
        for job in ("crm_migrate_live", "shop_migrate"):
            assert [each.message for each in run_failures(made.run(job).all_events)] == []
        yield made
    empty(connected)


def passed(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    """The checks of a run, by asset; all of them have passed."""
    found = result.get_asset_check_evaluations()
    assert all(each.passed for each in found)
    return {(each.asset_key.to_user_string(), each.check_name) for each in found}


def test_both_are_loaded_and_an_asset_of_others_is_made_from_them(
    project: Project, connected: weaviate.WeaviateClient
) -> None:
    made = project.choose(["digest"]).asset_materializations_for_node("digest")
    assert [{name: each.value for name, each in one.metadata.items()} for one in made] == [{"Crm": 32, "Shop": 64}]
    assert set(connected.alias.list_all()) == {"CrmNote", "ShopNote"}


def test_one_partition_chosen_in_the_ui_is_mended_and_checked_with_its_own_prefix(
    project: Project, connected: weaviate.WeaviateClient
) -> None:
    for prefix, rows in (("Crm", 32), ("Shop", 64)):
        collection = connected.collections.use(f"{prefix}Note")
        collection.data.update(note_id(0, rows), properties={"body": "altered"})
        result = project.choose([prefix.lower(), "note"], partition=PARTITION_KEYS[0])
        assert result.success
        assert passed(result) == {(f"{prefix.lower()}/note", name) for name in CHECKS}
        found = collection.query.fetch_object_by_id(note_id(0, rows))
        assert found is not None
        assert found.properties["body"] == "note 0"


def test_each_migration_has_checks_report_and_status_of_its_own_in_the_instance_of_the_project(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", project.instance.root_directory)
    for config, prefix, job in ((project.crm, "crm", "crm_migrate_live"), (project.shop, "shop", "shop_migrate")):
        checks = read_check_report(config)
        assert checks.success
        assert {each.asset for each in checks.outcomes} >= {f"{prefix}/note", f"{prefix}/source_audit"}
        report = read_migration_report(config)
        assert job in {each.job for each in report.runs}
        assert {each.job for each in report.runs} <= {job, "chosen assets"}
        assert {each.name for each in report.phases} >= {"audit", "extract", "load", "checks"}
        status = read_status(config)
        assert (status.phase, status.migration_id) == ("cut over", report.record.id if report.record else None)


def test_runs_of_the_project_are_none_of_ours(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even those whose job or asset has a name of ours."""
    before = read_runs(project.crm, project.instance, monkeypatch)
    assert project.choose(["note"]).success
    assert project.run("migrate").success
    assert read_runs(project.crm, project.instance, monkeypatch) == before


def read_runs(config: MigrationConfig, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setenv("DAGSTER_HOME", instance.root_directory)
    return {each.run_id for each in read_migration_report(config).runs}


def test_the_sensor_asks_for_the_sync_of_its_own_migration(
    project: Project, connected: weaviate.WeaviateClient
) -> None:
    with closing(sqlite3.connect(project.crm.sqlite_url)) as application, application:
        application.execute("UPDATE notes SET body = 'changed' WHERE id = ?", (note_id(3, 32),))
    for prefix, asked in (("crm", True), ("shop", False)):
        sensor = project.definitions.resolve_sensor_def(f"{prefix}_change_sync_sensor")
        assert [each.name for each in sensor.jobs] == [f"{prefix}_sync"]
        with dg.build_sensor_context(instance=project.instance) as context:
            assert isinstance(sensor(context), dg.RunRequest) == asked
    assert project.definitions.resolve_job_def("crm_sync").execute_in_process(instance=project.instance).success
    found = connected.collections.use("CrmNote").query.fetch_object_by_id(note_id(3, 32))
    assert found is not None
    assert found.properties["body"] == "changed"


def test_a_command_goes_on_with_the_names_of_the_project(
    project: Project, server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", project.instance.root_directory)
    ended = run_here("verify", "--work-dir", project.shop.work_dir, "--json", *at(server))
    assert ended.code == 0, ended.stderr
    assert {each["asset"] for each in ended.json["checks"]} == {"shop/note"}
    assert ended.json["not_run"] == []
    run = project.instance.get_run_by_id(ended.json["run_id"])
    assert run is not None
    assert run.job_name == "shop_verify"


def test_a_run_that_would_change_the_record_fails_while_a_command_has_the_work_folder(project: Project) -> None:
    work_folder = WorkFolder.of(project.shop)
    before = work_folder.records.all()
    with work_folder.locked():
        for asset in ("weaviate_schema", "sqlite_snapshot", "cutover"):
            (failure,) = run_failures(project.choose(["shop", asset]).all_events)
            assert "Another migration is running in" in failure.message
    assert work_folder.records.all() == before
    assert project.choose(["shop", "cutover"]).success


def test_a_migration_takes_no_names_that_another_one_of_the_project_has(
    project: Project, connected: weaviate.WeaviateClient, tmp_path: Path
) -> None:
    """Two that were given no prefix of their own in Weaviate: readers of the first are not led to the second."""
    before = {alias: each.collection for alias, each in connected.alias.list_all().items()}
    source = note_file(tmp_path / "desk.db", rows=16)
    config = project.crm.model_copy(update={"sqlite_url": str(source), "work_dir": tmp_path / "desk"})
    desk = build_migration_definitions(config, key_prefix="desk").resolve_job_def("desk_migrate")
    result = desk.execute_in_process(instance=project.instance, raise_on_error=False, tags=dict(ALL))
    (failure,) = run_failures(result.all_events)
    assert failure.step == "desk__weaviate_schema"
    assert f"`CrmNote` leads to what came from {project.crm.sqlite_url}" in failure.message
    assert {alias: each.collection for alias, each in connected.alias.list_all().items()} == before
    assert WorkFolder.of(config).records.all() == []
    # One more of the same file may, wherever its work folder is.
    config = project.crm.model_copy(update={"work_dir": tmp_path / "crm"})
    job = build_migration_definitions(config, key_prefix="desk").resolve_job_def("desk_migrate")
    schema = dg.AssetKey(["desk", "weaviate_schema"])
    assert job.execute_in_process(instance=project.instance, asset_selection=[schema]).success


def test_a_name_that_another_one_has_taken_meanwhile_is_left_to_it(
    project: Project, connected: weaviate.WeaviateClient
) -> None:
    before = connected.alias.list_all()
    own, others = before["ShopNote"].collection, before["CrmNote"].collection
    connected.alias.update(alias_name="ShopNote", new_target_collection=others)
    try:
        (failure,) = run_failures(project.choose(["shop", "cutover"]).all_events)
        assert f"`ShopNote` leads to what came from {project.crm.sqlite_url}" in failure.message
        assert connected.alias.list_all()["ShopNote"].collection == others
    finally:
        connected.alias.update(alias_name="ShopNote", new_target_collection=own)
