"""Whether workers are asked for without a trace: what is left open in this process can hold up those that it forks."""

from pathlib import Path

import pytest
import yaml
from kombu import pools

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.runs import workers
from weaviate_migration.runs.executors import IN_PROCESS, read_executor
from weaviate_migration.runs.worker_look import looked_from_worker
from weaviate_migration.runs.workers import absent_workers, checked_workers
from weaviate_migration_tests.cluster.celery_worker import celery_settings
from weaviate_migration_tests.cluster.redis_server import RedisServer


def test_who_asks_for_workers_leaves_no_connection_open(redis_server: RedisServer, tmp_path: Path) -> None:
    pools.reset()  # type: ignore[no-untyped-call]
    file = tmp_path / "executor.yaml"
    file.write_text(yaml.safe_dump({"celery": celery_settings(redis_server)}))
    assert absent_workers(read_executor(file)).startswith("No worker of Celery listens to the queue ")
    assert (list(pools.connections), list(pools.producers)) == ([], [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("k8s: {job_image: 'us:1', job_namespace: ours}", "Kubernetes makes a pod for each step"),
        ("dask: {cluster: {local: {n_workers: 2}}}", "Dask starts its workers with the run"),
    ],
)
def test_workers_that_come_with_the_run_cannot_be_looked_for(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "executor.yaml"
    file.write_text(text)
    (found,) = checked_workers(read_executor(file))
    assert (found.verdict, found.figure) == ("skipped", why)


def test_no_worker_looks_where_the_command_itself_can_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = MigrationConfig(sqlite_url="", work_dir=tmp_path / "work", storage=str(tmp_path / "file" / "kept"))
    (found,) = looked_from_worker(config, IN_PROCESS)
    assert (found.name, found.verdict) == ("worker step", "skipped")
    assert str(tmp_path / "file") in found.figure


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("celery: {broker: 'reddis://127.0.0.1:6379/0'}", "Celery's broker cannot be used: "),
        ("celery: {broker: 'redis://127.0.0.1:port/0'}", "Celery's broker cannot be used: "),
        ("celery: {broker: 'redis://127.0.0.1/name'}", "Celery's broker cannot be used: "),
        ("celery: {broker: 'redis://127.0.0.1:1/0'}", "Celery's broker cannot be reached: "),
        ("celery: {broker: 'pyamqp://127.0.0.1:1//'}", "Celery's broker cannot be reached: "),
        ("dask: {cluster: {existing: {address: 127.0.0.1}}}", "Dask's scheduler at 127.0.0.1 cannot be used: "),
        (
            "dask: {cluster: {existing: {address: 'tpc://[::1]:1'}}}",
            "Dask's scheduler at tpc://[::1]:1 cannot be used: ",
        ),
        (
            "dask: {cluster: {existing: {address: 'tls://[::1]:1'}}}",
            "Dask's scheduler at tls://[::1]:1 cannot be used: ",
        ),
        (
            "dask: {cluster: {existing: {address: 'tcp://[::1]:1'}}}",
            "Dask's scheduler at tcp://[::1]:1 cannot be reached: ",
        ),
    ],
)
def test_where_steps_cannot_be_handed_out_is_told_in_a_sentence(
    tmp_path: Path, text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_ANSWER_SECONDS", 0.5)
    file = tmp_path / "executor.yaml"
    file.write_text(text)
    (found,) = checked_workers(read_executor(file))
    assert (found.verdict, found.figure.startswith(told)) == ("failed", True), found.figure
    assert "\n" not in found.figure


def test_a_login_that_the_broker_refuses_is_told(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = celery_settings(redis_server)
    monkeypatch.setenv("BROKER_URL", str(settings["broker"]).replace("redis://", "redis://nobody:wrong@"))
    file = tmp_path / "executor.yaml"
    file.write_text(yaml.safe_dump({"celery": {**settings, "broker": {"env": "BROKER_URL"}}}))
    told = absent_workers(read_executor(file))
    assert told.startswith("Celery's broker cannot be "), told
    assert "nobody:" not in told
