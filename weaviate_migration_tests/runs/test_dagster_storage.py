"""Which homes are opened with our storage, and that any of them opens without it."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.runs.dagster_storage import STORAGE_LINES
from weaviate_migration.runs.sqlite_storages import PooledEventLogStorage
from weaviate_migration_tests.runs.homes import NAMED_VERSIONS, dagsters, files_of, home_of, ours
from weaviate_migration_tests.runs.reads import all_reads
from weaviate_migration_tests.runs.sample_job import run_sample

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")

# What an earlier version of this package has written.
EARLIER = """\
telemetry:
  enabled: false
nux:
  enabled: false
"""
LEGACY = {
    "run_storage": ("dagster._core.storage.runs", "SqliteRunStorage"),
    "event_log_storage": ("dagster._core.storage.event_log", "SqliteEventLogStorage"),
    "schedule_storage": ("dagster._core.storage.schedules", "SqliteScheduleStorage"),
}


def written(work_dir: Path, text: str) -> Path:
    """A `dagster.yaml` in a new home."""
    settings = home_of(work_dir) / "dagster.yaml"
    settings.parent.mkdir()
    settings.write_text(text, encoding="utf-8")
    return settings


def opened_by_dagster(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """As the UI, the daemon and the `dagster` command open it: with what its `dagster.yaml` says."""
    monkeypatch.setenv("DAGSTER_HOME", str(home_of(work_dir)))
    return dg.DagsterInstance.get()


def test_the_installed_dagster_is_named_as_a_tested_one() -> None:
    if dg.__version__ not in NAMED_VERSIONS:
        pytest.skip(f"If all other tests in this folder pass, add {dg.__version__} to TESTED_VERSIONS.")


def test_a_home_that_we_make_names_the_storage_and_opens_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ours(tmp_path) as instance:
        assert run_sample(instance, tmp_path).success
    with opened_by_dagster(tmp_path, monkeypatch) as instance:
        assert type(instance.event_log_storage) is PooledEventLogStorage
        assert run_sample(instance, tmp_path).success
        read = all_reads(instance)
    settings = home_of(tmp_path) / "dagster.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.removesuffix(STORAGE_LINES), encoding="utf-8")
    assert "storage" not in yaml.safe_load(settings.read_text(encoding="utf-8"))
    with opened_by_dagster(tmp_path, monkeypatch) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        assert all_reads(instance) == read


def test_a_home_may_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ours(tmp_path / "before") as instance:
        read = all_reads(instance)
    (tmp_path / "before").rename(tmp_path / "after")
    with opened_by_dagster(tmp_path / "after", monkeypatch) as instance:
        assert all_reads(instance) == read
        assert run_sample(instance, tmp_path / "after").success
    assert not (tmp_path / "before").exists()


@pytest.mark.parametrize("stamped", [True, False])
def test_a_home_of_an_earlier_version_is_opened_as_it_is(tmp_path: Path, stamped: bool) -> None:
    settings = written(tmp_path, EARLIER)
    with dagsters(tmp_path) as instance:
        assert run_sample(instance, tmp_path).success
        read = all_reads(instance)
    for file in files_of(tmp_path) if not stamped else ():
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DROP TABLE alembic_version")  # As some versions of Dagster left it.
    with ours(tmp_path) as instance:
        assert type(instance.event_log_storage) is PooledEventLogStorage
        assert revisions_apart(all_reads(instance)) == revisions_apart(read)
        assert run_sample(instance, tmp_path).success
        read = all_reads(instance)
    with dagsters(tmp_path) as instance:
        assert all_reads(instance) == read
    assert settings.read_text(encoding="utf-8") == EARLIER


def revisions_apart(read: dict[str, object]) -> dict[str, object]:
    return {name: answer for name, answer in read.items() if "revision" not in name}


def test_a_home_with_a_storage_of_its_own_keeps_it(tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    settings = written(tmp_path, text := yaml.safe_dump({"storage": {"sqlite": {"base_dir": elsewhere}}}))
    with ours(tmp_path) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
    assert (tmp_path / "elsewhere" / "history" / "runs.db").exists()
    assert files_of(tmp_path) == []
    assert settings.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", LEGACY)
def test_a_home_that_names_where_one_of_the_three_is_stored_keeps_it(tmp_path: Path, name: str) -> None:
    module, class_name = LEGACY[name]
    elsewhere = tmp_path / "elsewhere"
    named = {name: {"module": module, "class": class_name, "config": {"base_dir": str(elsewhere)}}}
    settings = written(tmp_path, text := yaml.safe_dump(named))
    with ours(tmp_path) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
    assert list(elsewhere.glob("*.db")) != []
    assert settings.read_text(encoding="utf-8") == text


def test_our_storage_may_be_in_another_folder(tmp_path: Path) -> None:
    named = yaml.safe_load(STORAGE_LINES)
    named["storage"]["custom"]["config"]["base_dir"] = str(tmp_path / "elsewhere")
    written(tmp_path, yaml.safe_dump(named))
    with ours(tmp_path) as instance:
        assert type(instance.event_log_storage) is PooledEventLogStorage
    assert files_of(tmp_path) == []


def test_settings_that_are_not_yaml_are_named(tmp_path: Path) -> None:
    settings = written(tmp_path, "telemetry: [")
    with pytest.raises(ConfigurationError, match=str(settings)), ours(tmp_path):
        pass


OTHER_VERSION = """
import dagster, sys
from pathlib import Path
dagster.__version__ = "1.99.0"
from weaviate_migration.runs.runner import dagster_instance
with dagster_instance(Path(sys.argv[1])) as instance:
    print(type(instance.event_log_storage).__name__)
with dagster.DagsterInstance.get() as instance:
    print(type(instance.event_log_storage).__name__)
print("weaviate_migration.runs.sqlite_storages" in sys.modules)
"""


def test_another_version_of_dagster_gets_its_own_storage_and_the_log_one_line(tmp_path: Path) -> None:
    with ours(tmp_path) as instance:
        assert run_sample(instance, tmp_path).success
        read = all_reads(instance)
    environment = os.environ | {"DAGSTER_HOME": str(home_of(tmp_path))}
    command = [sys.executable, "-W", "ignore", "-c", OTHER_VERSION, str(tmp_path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["SqliteEventLogStorage", "SqliteEventLogStorage", "False"]
    (line,) = ended.stderr.splitlines()
    assert "1.99.0" in line
    with dagsters(tmp_path) as instance:
        assert all_reads(instance) == read
