"""The file of `--executor`: what it says, and what is told of one that is wrong."""

import json
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import create_migration_config, usable_cores
from weaviate_migration.defs.build import build_definitions, build_migration_definitions
from weaviate_migration.runs.executors import EXECUTORS, ChosenExecutor, chosen_executor, read_executor
from weaviate_migration.runs.jobs import MIGRATE, SYNC
from weaviate_migration_tests.documentation import code_blocks, first_column

CELERY = "celery:\n  broker: redis://localhost:6379/0\n  backend: redis://localhost:6379/1\n"
AT_THE_SOURCE = {"source_audit", "change_capture", "weaviate_schema", "sqlite_snapshot", "change_sync"}


def written(folder: Path, text: str) -> Path:
    path = folder / "executor.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "named", "config"),
    [
        ("in_process:", "multi_or_in_process_executor", {"in_process": {}}),
        (
            "multiprocess: {max_concurrent: 2, start_method: {spawn: {}}}",
            "multi_or_in_process_executor",
            {"multiprocess": {"max_concurrent": 2, "start_method": {"spawn": {}}}},
        ),
        (CELERY, "celery", {"broker": "redis://localhost:6379/0", "backend": "redis://localhost:6379/1"}),
        ("dask: {cluster: {local: {n_workers: 2}}}", "dask", {"cluster": {"local": {"n_workers": 2}}}),
        ("k8s: {job_image: 'us:1', job_namespace: ours}", "k8s", {"job_image": "us:1", "job_namespace": "ours"}),
    ],
    ids=EXECUTORS,
)
def test_jobs_are_run_by_the_executor_of_the_file(tmp_path: Path, text: str, named: str, config: object) -> None:
    """Those of one step are run by the command itself."""
    settings = create_migration_config("app.db", work_dir=tmp_path, executor=written(tmp_path, text))
    whole = build_definitions(settings)
    for definitions in (whole, build_migration_definitions(settings)):
        migrate = dg.validate_run_config(definitions.resolve_job_def(MIGRATE), {})["execution"]
        assert list(migrate) == [named]
        assert holds(migrate[named], config)
        sync = dg.validate_run_config(definitions.resolve_job_def(SYNC), {})["execution"]
        assert list(sync["multi_or_in_process_executor"]) == ["in_process"]
    assert whole.resolve_implicit_global_asset_job_def().executor_def.name == named


def holds(whole: Any, part: Any) -> bool:
    """Whether all of a part is somewhere in the whole, in the same place."""
    if not isinstance(part, dict):
        return bool(whole == part)
    return all(name in whole and holds(whole[name], inner) for name, inner in part.items())


def test_processes_of_a_file_share_what_is_under_way_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, "multiprocess: {max_concurrent: 3}")
    settings = create_migration_config("app.db", work_dir=tmp_path, executor=file, worker_count=6)
    checked = dg.validate_run_config(build_definitions(settings).resolve_job_def("migrate"), {})
    assert checked["resources"]["batches"]["config"]["worker_count"] == 2
    chosen = checked["execution"]["multi_or_in_process_executor"]["multiprocess"]
    assert "weaviate_migration.defs.build" in chosen["start_method"]["forkserver"]["preload_modules"]
    assert read_executor(written(tmp_path, "multiprocess:")).processes == usable_cores()
    assert read_executor(written(tmp_path, CELERY)).processes == 1


def test_steps_at_the_source_have_its_tags_and_no_others(tmp_path: Path) -> None:
    tags = "source_tags:\n  dagster-celery/queue: source\n  dagster-k8s/config: {pod_spec_config: {node_name: a}}\n"
    settings = create_migration_config("app.db", work_dir=tmp_path, executor=written(tmp_path, CELERY + tags))
    expected = {"dagster-celery/queue": "source", "dagster-k8s/config": {"pod_spec_config": {"node_name": "a"}}}
    definitions = build_definitions(settings)
    tagged = {
        node.name: {name: node.tags[name] for name in expected}
        for node in definitions.resolve_job_def("migrate_live").nodes
        if expected.keys() <= node.tags.keys()
    }
    assert tagged.keys() == AT_THE_SOURCE
    for found in tagged.values():
        assert {**found, "dagster-k8s/config": json.loads(found["dagster-k8s/config"])} == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("source_tags: {a: b}", "one of them is missing"),
        ("celry: {}", "1: celry: is no field; did you mean `celery`?"),
        ("in_process:\ndask: {cluster: {local: {}}}", "2: dask: a run has one executor, and in_process is one"),
        ("multiprocess:\n  max_concurrent: two", '2: multiprocess.max_concurrent: Invalid scalar. Value "two" of type'),
        (
            "multiprocess:\n\n  tag_concurrency_limits:\n  - key: a\n    limit: b",
            "5: multiprocess.tag_concurrency_limits[0]",
        ),
        ("celery:\n  brokr: x", '1: celery: Received unexpected config entry "brokr"\n'),
        ("dask:\n  cluster: {loca: {}}", '2: dask.cluster: Received unexpected config entry "loca"\n'),
        ("k8s:\n  job_image: [1]", "2: k8s.job_image: "),
        ("k8s: {}\nsource_tags: {dagster-k8s/config: {pods: {}}}", "2: source_tags.dagster-k8s/config: Received unexp"),
        (
            "k8s: {}\nsource_tags: {dagster-k8s/config: {pod_spec_config: {node_nam: a}}}",
            "2: source_tags.dagster-k8s/config: Unexpected keys in model class V1PodSpec: {'node_nam'}",
        ),
        ("celery:\n  broker: redis://:pw@host/0", "2: celery.broker: holds a password"),
        ("celery:\n  config_source:\n    urls: ['sentinel://u:pw@host/0']", "3: celery.config_source.urls[0]: holds"),
        ("celery:\n  broker: {env: NOT_SET_ANYWHERE}", "2: celery.broker: the environment has no variable NOT_SET"),
        ("celery: [1]", "1: celery: must be"),
    ],
)
def test_mistakes_are_told_with_their_lines(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_executor(written(tmp_path, text))
    assert told in f"{error.value}\n"
    assert "pw" not in str(error.value)
    assert "Traceback" not in str(error.value)


def test_what_the_environment_holds_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_BROKER", "redis://:secret@localhost/0")
    chosen = read_executor(written(tmp_path, "celery: {broker: {env: OUR_BROKER}}"))
    assert "secret" not in chosen.model_dump_json()


def test_what_a_worker_is_told_makes_the_same_executor(tmp_path: Path) -> None:
    file = written(tmp_path, f"{CELERY}source_tags: {{dagster-celery/queue: source}}")
    chosen = chosen_executor(create_migration_config("app.db", executor=file))
    assert ChosenExecutor.model_validate_json(chosen.model_dump_json()) == chosen


def test_a_package_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster_celery", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'weaviate-migration\[celery\]'"):
        read_executor(written(tmp_path, CELERY))


def test_the_page_names_each_executor_and_its_examples_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_column("machines.md", "name") == list(EXECUTORS)
    monkeypatch.setenv("BROKER_URL", "redis://localhost:6379/0")
    monkeypatch.setenv("BACKEND_URL", "redis://localhost:6379/1")
    examples = code_blocks("yaml", "machines.md")
    assert [read_executor(written(tmp_path, each)).name for each in examples] == ["multiprocess", "dask", "celery"]
