"""The set-up for Celery: files that Dagster, its workers and our command take, each as it stands there."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
import yaml
from celery.app.defaults import SETTING_KEYS
from dagster._core.instance.ref import InstanceRef
from dagster._core.utils import make_new_run_id
from dagster_celery.cli import get_validated_config

from weaviate_migration.runs.executors import read_executor
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.examples.commands import (
    EXAMPLES,
    PROGRAMS,
    named_in_environment,
    refuse_wrong_settings,
    refuse_wrong_words,
    shown_commands,
    variables_in_file,
)

FOLDER = EXAMPLES / "celery"
SETTINGS = variables_in_file(FOLDER / "settings.env")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        if not name.startswith("DAGSTER_"):
            monkeypatch.setenv(name, value)


def test_its_settings_are_settings() -> None:
    refuse_wrong_settings(SETTINGS)


def test_the_files_name_variables_that_are_set() -> None:
    named = {path.name: named_in_environment(yaml.safe_load(path.read_text("utf-8"))) for path in FOLDER.glob("*.yaml")}
    assert named == {
        "dagster.yaml": {"DAGSTER_POSTGRES_URL"},
        "executor.yaml": {"BROKER_URL", "BACKEND_URL"},
        "worker.yaml": {"BROKER_URL", "BACKEND_URL"},
    }
    assert set[str]().union(*named.values()) <= SETTINGS.keys()


@pytest.mark.usefixtures("environment")
def test_executor_and_workers_meet_at_one_broker() -> None:
    executor = read_executor(FOLDER / "executor.yaml")
    worker = get_validated_config(str(FOLDER / "worker.yaml"))
    assert executor.name == "celery"
    for name, variable in (("broker", "BROKER_URL"), ("backend", "BACKEND_URL")):
        assert executor.config[name] == {"env": variable}
        assert worker[name] == SETTINGS[variable]
    assert worker["config_source"].keys() <= SETTING_KEYS


@pytest.mark.usefixtures("environment")
def test_a_worker_of_the_readme_serves_the_queue_of_the_source() -> None:
    tags = dict(read_executor(FOLDER / "executor.yaml").source_tags)
    workers = [words for words in shown_commands(FOLDER) if words[0] == "dagster-celery"]
    assert sorted(words[words.index("-q") + 1] for words in workers) == ["dagster", tags["dagster-celery/queue"]]


def test_the_commands_of_the_readme_are_commands() -> None:
    ours = [words for words in shown_commands(FOLDER) if words[0] in PROGRAMS]
    assert {words[0] for words in ours} == {"weaviate-migration", "dagster-celery", "dagster"}
    for words in ours:
        refuse_wrong_words([str(FOLDER / Path(each).name) if each.endswith(".yaml") else each for each in words])


def test_dagster_keeps_runs_where_the_file_says(
    tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(FOLDER / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres_server.new_database())
    run = dg.DagsterRun(job_name="migrate", run_id=make_new_run_id())
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as one:
        one.add_run(run)
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as other:
        assert [each.run_id for each in other.get_runs()] == [run.run_id]
    assert not list(tmp_path.rglob("*.db"))


def test_it_has_all_that_our_own_home_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with dagster_instance(tmp_path):
        (own,) = tmp_path.rglob("dagster.yaml")
    said = yaml.safe_load(own.read_text("utf-8"))
    example = yaml.safe_load((FOLDER / "dagster.yaml").read_text("utf-8"))
    for name in ("telemetry", "nux", "concurrency", "python_logs"):
        assert example[name] == said[name]
