"""What a command came to, and runs from the UI: told without a server, since none is needed to see it."""

from pathlib import Path

import dagster as dg
import pytest

from weaviate_migration import build_migration_definitions
from weaviate_migration.base.errors import CaptureError, ConfigurationError
from weaviate_migration.base.redaction import keep_secret
from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.defs.build import build_definitions
from weaviate_migration.monitoring.alerts.under_way import MIGRATE, SYNC, UnderWay
from weaviate_migration.monitoring.alerts.watch import all_under_way, watched
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.kept_incidents import KeptIncidents
from weaviate_migration.work_folder.locks import command_name
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.live.notes import make_mapping, note_file
from weaviate_migration_tests.monitoring.alerts.receiver import Receiver, alerts_file

FAILED = "`weaviate-migration sync` failed"


@pytest.fixture
def config(tmp_path: Path, receiver: Receiver) -> MigrationConfig:
    mapping, alerts = make_mapping(tmp_path / "notes.yaml"), alerts_file(tmp_path / "alerts.yaml", receiver.url)
    return create_migration_config("", work_dir=tmp_path / "work", mapping=mapping, alerts=alerts)


def fail_with(config: MigrationConfig, error: BaseException) -> None:
    with pytest.raises(type(error)), watched(config, SYNC):
        raise error


def test_what_a_command_came_to(config: MigrationConfig, receiver: Receiver) -> None:
    keep_secret("canary-of-a-key")
    for quiet in (KeyboardInterrupt(), ConfigurationError("no such file")):
        fail_with(config, quiet)
    assert receiver.told == []
    for error in (CaptureError("the trigger is gone, said canary-of-a-key"), ZeroDivisionError("a fault of ours")):
        fail_with(config, error)
    assert [(each["title"], each["message"]) for each in receiver.notifications] == [
        (FAILED, "the trigger is gone, said ***")
    ]
    with watched(config, SYNC) as watch:
        watch.conclude(0)
    assert receiver.told[1:] == [("success", f"Over: {FAILED}")]


def test_alerts_that_fail_are_not_in_the_way(config: MigrationConfig, caplog: pytest.LogCaptureFixture) -> None:
    KeptIncidents(StateStore.of(config.work_dir)).write("{")
    with watched(config, SYNC) as watch:
        watch.conclude(0)
    assert "Alerts cannot be judged: " in caplog.text


def test_a_command_of_another_work_folder_is_known_by_the_state(
    config: MigrationConfig, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    url = postgres_server.new_database()
    here = config.model_copy(update={"state_url": url})
    there = config.model_copy(update={"state_url": url, "work_dir": tmp_path / "there"})
    with WorkFolder.of(here).locked(command_name(MIGRATE)), watched(here, MIGRATE):
        (noted,), (known,) = all_under_way(here), all_under_way(there)
        assert noted.process is not None
        assert (known.name, known.process) == (MIGRATE, None)
        assert UnderWay((known,)).is_loading
    assert all_under_way(here) == all_under_way(there) == ()


def materialize(config: MigrationConfig, instance: dg.DagsterInstance, asset: str) -> dg.DagsterRun:
    """What a click in the UI runs: an asset, without a job of ours."""
    job = build_definitions(config).resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(asset)], raise_on_error=False)
    return result.dagster_run


def evaluate(config: MigrationConfig, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """The sensor of runs that end as this one did."""
    evaluate_in(build_definitions(config), "", instance, run)


def evaluate_in(definitions: dg.Definitions, prefix: str, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """That of one migration of a project."""
    name = f"{prefix}{'succeeded_run_alerts' if run.is_success else 'failed_run_alerts'}"
    kind = dg.DagsterEventType.RUN_SUCCESS if run.is_success else dg.DagsterEventType.RUN_FAILURE
    (entry,) = instance.all_logs(run.run_id, of_type=kind)
    context = dg.build_run_status_sensor_context(name, entry.get_dagster_event(), instance, run)
    definitions.resolve_sensor_def(name)(context.for_run_failure() if not run.is_success else context)


def test_a_materialization_that_fails_and_one_that_succeeds(config: MigrationConfig, receiver: Receiver) -> None:
    source = note_file(config.work_dir.parent / "app.db")
    with dagster_instance(config.work_dir) as instance:
        for _ in range(2):
            evaluate(config, instance, materialize(config, instance, "source_audit"))
        assert receiver.taken() == [
            ("failure", "The run of `__ASSET_JOB` failed"),
            ("failure", "1 planned checks never ran"),
        ]
        sound = config.model_copy(update={"sqlite_url": str(source)})
        evaluate(sound, instance, materialize(sound, instance, "source_audit"))
    assert receiver.taken() == [
        ("success", "Over: The run of `__ASSET_JOB` failed"),
        ("success", "Over: 1 planned checks never ran"),
    ]


@dg.asset
def theirs() -> None:
    """An asset of a project, which has migrations, too."""


def test_in_a_project_of_others_each_migration_tells_of_its_own_runs(
    config: MigrationConfig, receiver: Receiver
) -> None:
    """A run of somebody else is no news, and no sign that a failure of ours is over."""
    parts = [
        build_migration_definitions(
            config.model_copy(update={"work_dir": config.work_dir / prefix}), key_prefix=prefix, group_prefix=prefix
        )
        for prefix in ("crm", "shop")
    ]
    project = dg.Definitions.merge(dg.Definitions(assets=[theirs]), *parts)
    chosen = project.resolve_implicit_global_asset_job_def()
    with dagster_instance(config.work_dir) as instance:
        failed, others = (
            chosen.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False).dagster_run
            for key in (dg.AssetKey(["crm", "source_audit"]), theirs.key)
        )
        for run in (failed, others):
            evaluate_in(project, "shop_", instance, run)
        assert receiver.taken() == []
        for run in (failed, others):
            evaluate_in(project, "crm_", instance, run)
    assert receiver.taken() == [
        ("failure", "The run of `__ASSET_JOB` failed"),
        ("failure", "1 planned checks never ran"),
    ]
