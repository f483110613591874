"""What every test needs: an environment without the settings of the person who runs it."""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from weaviate_migration.base import permissions
from weaviate_migration.demo.static_model import write_static_model
from weaviate_migration_tests.cluster.postgres_server import PostgresServer, run_postgres
from weaviate_migration_tests.cluster.redis_server import RedisServer, run_redis
from weaviate_migration_tests.cluster.s3_server import S3Server, run_s3

KEPT = "WEAVIATE_MIGRATION_NO_LIVE"
UMASK = os.umask(0o077)
os.umask(UMASK)
LIVE_FOLDER = Path(__file__).parent / "live"
# The files that take longest, the longest first.
LONGEST = (
    *(
        "test_cluster_scenario",
        "test_cluster",
        "test_documented_commands",
        "test_component",
        "test_workers",
        "test_server",
        "test_soak",
        "test_sync_command",
        "test_chaos",
        "test_dual_writer",
        "test_network",
        "test_cases",
    ),
    *("test_interruptions", "test_settings_take_effect", "test_ui", "test_bad_input", "test_verify", "test_sync"),
    *("test_field", "test_terminal", "test_cutover_command", "test_cleanup", "test_demo_live", "test_cutover"),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several processes take a file each, and then the next: a long one at the end has the others wait."""
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.path.parent != LIVE_FOLDER:
        return len(LONGEST) + 1
    return LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == "DAGSTER_HOME" or (name.startswith("WEAVIATE_MIGRATION_") and name != KEPT):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _records_reach_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a command that an earlier test has run in this process has sent them elsewhere."""
    logger = logging.getLogger("weaviate_migration")
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "level", logging.NOTSET)


@pytest.fixture(autouse=True)
def _umask_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a command that an earlier test has run in this process has narrowed it."""
    os.umask(UMASK)
    monkeypatch.setattr(permissions, "_umask_of_the_user", None)


@pytest.fixture(scope="session")
def static_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real model of model2vec's format: 256 numbers, thousands of texts a second."""
    return write_static_model(tmp_path_factory.mktemp("models") / "static")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has printed may hold half a surrogate pair; a process of several sends its reports as UTF-8."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis for the whole run: whoever uses it empties it first."""
    with run_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run, which wants no password: each test makes a database of its own in it."""
    with run_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 server for the whole run: each test makes a bucket of its own in it."""
    with run_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
