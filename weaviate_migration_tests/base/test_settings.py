"""The settings: their defaults, where they come from, and what is said of wrong ones."""

import os
from pathlib import Path
from typing import Any

import click
import pytest

import weaviate_migration
from weaviate_migration import (
    MigrationConfig,
    MigrationResult,
    SQLiteToWeaviateMigrator,
    create_migration_config,
    run_migration,
)
from weaviate_migration.api.job_session import opened_for_jobs
from weaviate_migration.api.session import opened
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import (
    API_KEY_VARIABLE,
    OPTIONS,
    api_key_in_environment,
    dagster_home,
    environment_variable,
    gains_side_by_side,
)
from weaviate_migration.cli.migrate import migrate

# What the users were promised.
DEFAULTS = {
    "weaviate_url": "embedded",
    "weaviate_api_key": None,
    "batch_size": 100,
    "max_retries": 3,
    "retry_delay": 1.0,
    "validation_sample_size": 1000,
    "enable_parallel_processing": False,
    "worker_count": 4,
    "memory_limit_mb": 1024,
    "dry_run": False,
    "backup_before_migration": True,
    "rollback_on_failure": True,
    "log_level": "INFO",
    "log_file": None,
}
# For each field another value than the default, as text, and as the field holds it.
OTHERS: dict[str, tuple[str, Any]] = {
    "sqlite_url": ("app.db", "app.db"),
    "weaviate_url": ("http://localhost:8080", "http://localhost:8080"),
    "weaviate_api_key": ("key", "key"),
    "grpc_port": ("50052", 50052),
    "grpc_host": ("grpc.example.org", "grpc.example.org"),
    "consistency_level": ("ALL", "ALL"),
    "batch_size": ("7", 7),
    "max_retries": ("0", 0),
    "retry_delay": ("0.5", 0.5),
    "validation_sample_size": ("10", 10),
    "enable_parallel_processing": ("true", True),
    "worker_count": ("2", 2),
    "executor": ("executor.yaml", Path("executor.yaml")),
    "partitions_per_task": ("4", 4),
    "memory_limit_mb": ("512", 512),
    "partitions": ("64", 64),
    "dry_run": ("1", True),
    "backup_before_migration": ("false", False),
    "rollback_on_failure": ("0", False),
    "log_level": ("DEBUG", "DEBUG"),
    "log_file": ("log.jsonl", Path("log.jsonl")),
    "log_format": ("json", "json"),
    "mapping": ("mapping.yaml", Path("mapping.yaml")),
    "tenant": ("acme", "acme"),
    "prefix": ("My", "My"),
    "queries": ("queries.yaml", Path("queries.yaml")),
    "work_dir": ("work", Path("work")),
    "state_url": ("postgresql+psycopg2://me@host/db", "postgresql+psycopg2://me@host/db"),
    "live": ("true", True),
    "cutover": ("false", False),
    "allow_pause": ("true", True),
    "keep_changes": ("5000", 5000),
    "keep_hours": ("0.5", 0.5),
    "storage": ("memory://files", "memory://files"),
    "vector_cache": ("vectors.sqlite", Path("vectors.sqlite")),
    "max_embedding_calls": ("100", 100),
    "alerts": ("alerts.yaml", Path("alerts.yaml")),
    "metrics_port": ("9400", 9400),
    "metrics_address": ("0.0.0.0", "0.0.0.0"),
    "metrics_file": ("metrics.prom", Path("metrics.prom")),
    "metrics_push_url": ("http://gateway:9091", "http://gateway:9091"),
}


def test_public_names() -> None:
    names = weaviate_migration.__all__
    assert sorted(names) == names == dir(weaviate_migration)
    homes = {getattr(weaviate_migration, name).__module__.partition(".")[0] for name in names}
    assert homes == {"weaviate_migration"}
    with pytest.raises(AttributeError, match="has no attribute 'migrate'"):
        weaviate_migration.migrate  # noqa: B018


@pytest.mark.parametrize("field", DEFAULTS)
def test_default(field: str) -> None:
    assert getattr(create_migration_config("app.db"), field) == DEFAULTS[field]


def test_every_field_has_an_option_of_the_command_line() -> None:
    options = {
        option: parameter.name
        for parameter in migrate.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert OPTIONS.keys() == MigrationConfig.model_fields.keys()
    assert {option: field for field, option in OPTIONS.items()}.items() <= options.items()


def test_every_field_is_described() -> None:
    described = MigrationConfig.__doc__ or ""
    assert [field for field in MigrationConfig.model_fields if f"{field}:" not in described] == []


def test_every_field_is_tried_here() -> None:
    assert OTHERS.keys() == MigrationConfig.model_fields.keys()


@pytest.mark.parametrize("field", OTHERS)
def test_environment_sets_a_field(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = OTHERS[field]
    monkeypatch.setenv(environment_variable("sqlite_url"), "other.db")
    monkeypatch.setenv(environment_variable(field), text)
    assert getattr(create_migration_config(), field) == value


@pytest.mark.parametrize("field", OTHERS)
def test_argument_goes_before_the_environment(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, value = OTHERS[field]
    for name in OTHERS:
        monkeypatch.setenv(environment_variable(name), "not taken")
    everything = {name: value for name, (_, value) in OTHERS.items()}
    assert getattr(create_migration_config(**{**everything, field: text}), field) == value


def test_variable_that_is_empty_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_variable("batch_size"), "")
    assert create_migration_config("app.db").batch_size == DEFAULTS["batch_size"]


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        create_migration_config("app.db", batch_size=0, worker_count="many", log_level="LOUD", batchsize=3)
    for name in ("--batch-size", "--workers", "--log-level", "batchsize"):
        assert name in raised.value.message


def test_value_of_a_wrong_key_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as raised:
        create_migration_config("app.db", weaviate_api_key=["a-secret"])
    assert "a-secret" not in str(raised.value)
    assert "a-secret" not in repr(create_migration_config("app.db", weaviate_api_key="a-secret"))


@pytest.mark.parametrize("field", ["weaviate_url", "storage"])
def test_password_in_a_url_is_refused_and_not_shown(field: str) -> None:
    with pytest.raises(ConfigurationError, match="holds a password") as raised:
        create_migration_config("app.db", **{field: "s3://me:a-secret@host/path"})
    assert OPTIONS[field] in raised.value.message
    assert "a-secret" not in str(raised.value)
    assert create_migration_config("app.db", storage="sftp://me@host/path").storage == "sftp://me@host/path"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://me:a-secret@host/migration",
        "postgresql+psycopg2://host/migration?user=me&password=a-secret",
        "postgresql+psycopg2://host/migration?password=a-secret",
        "postgresql://host/a-secret",
        "sqlite:////a-secret",
        "a-secret",
    ],
)
def test_a_state_url_names_a_database_of_postgresql_and_no_password(url: str) -> None:
    for field in ("state_url", "vector_cache") if "://" in url else ("state_url",):
        refused = rf"{OPTIONS[field]}: .*(a password|postgresql\+psycopg2://)"
        with pytest.raises(ConfigurationError, match=refused) as raised:
            create_migration_config("app.db", **{field: url})
        assert "a-secret" not in str(raised.value)


def test_wrong_setting_is_raised_before_anything_runs() -> None:
    with pytest.raises(ConfigurationError, match="--batch-size"):
        run_migration("app.db", batch_size=0)


@pytest.mark.parametrize("field", OTHERS)
def test_setting_is_validated_when_it_is_set(field: str) -> None:
    text, value = OTHERS[field]
    config = create_migration_config("other.db")
    setattr(config, field, text)
    assert getattr(config, field) == value


def test_settings_of_the_reference_are_set_one_by_one() -> None:
    config = create_migration_config(
        sqlite_url="sqlite:///data/app.db", weaviate_url="http://localhost:8080", batch_size=100
    )
    config.batch_size = 50
    config.memory_limit_mb = 512
    config.enable_parallel_processing = True
    config.log_level = "DEBUG"
    assert (config.batch_size, config.memory_limit_mb, config.processes, config.log_level) == (50, 512, 4, "DEBUG")


@pytest.mark.parametrize(
    ("weaviate_url", "cores", "gains"),
    [
        ("embedded", 1, False),
        ("embedded", 2, False),
        ("embedded:server", 2, False),
        ("embedded", 3, True),
        ("http://localhost:8080", 1, False),
        ("http://localhost:8080", 2, True),
    ],
)
def test_processes_side_by_side_want_a_core_each_beside_the_servers(weaviate_url: str, cores: int, gains: bool) -> None:
    assert gains_side_by_side(weaviate_url, cores) == gains


WRONG: dict[str, Any] = {
    "weaviate_url": "http://me:a-secret@host",
    "weaviate_api_key": ["a-secret"],
    "grpc_port": 0,
    "grpc_host": "",
    "consistency_level": "TWO",
    "batch_size": 0,
    "retry_delay": float("nan"),
    "worker_count": "many",
    "memory_limit_mb": 100,
    "dry_run": "perhaps",
    "log_level": "LOUD",
    "prefix": "lower",
    "tenant": "",
    "metrics_push_url": "a-secret",
    "batchsize": 3,
    "processes": 3,
}


@pytest.mark.parametrize("field", WRONG)
def test_wrong_setting_reads_the_same_however_it_is_given(field: str) -> None:
    """From `create_migration_config`, from the class itself, and set later; which then changes nothing."""
    config = create_migration_config("app.db")
    before = config.model_dump()
    with pytest.raises(ConfigurationError) as created:
        create_migration_config("app.db", **{field: WRONG[field]})
    with pytest.raises(ConfigurationError) as made:
        MigrationConfig(sqlite_url="app.db", **{field: WRONG[field]})
    with pytest.raises(ConfigurationError) as changed:
        setattr(config, field, WRONG[field])
    assert str(created.value) == str(made.value) == str(changed.value)
    assert OPTIONS.get(field, f"{field}: is no setting; ") in created.value.message
    assert "a-secret" not in str(created.value)
    assert config.model_dump() == before


@pytest.mark.parametrize("field", ["tenant", "grpc_host", "weaviate_url"])
def test_a_text_that_must_not_be_empty(field: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        create_migration_config("app.db", **{field: ""})
    assert error.value.message == f"{OPTIONS[field]}: must not be empty"


def test_source_that_is_not_named_is_a_mistake_too() -> None:
    with pytest.raises(ConfigurationError, match="--sqlite-url: field required"):
        MigrationConfig()  # type: ignore[call-arg]


def test_every_field_can_be_given_to_the_class() -> None:
    everything = {field: value for field, (_, value) in OTHERS.items()}
    config = MigrationConfig(**everything)
    assert config.model_dump() == everything
    assert config == create_migration_config(**everything)


def test_what_is_changed_later_changes_nothing_for_those_who_have_taken_it() -> None:
    config = create_migration_config("app.db")
    migrator = SQLiteToWeaviateMigrator(config)
    with opened(config) as session, opened_for_jobs(config, None) as jobs:
        config.batch_size = 3
        taken = [migrator.config, session.config, jobs.config]
        assert [each.batch_size for each in taken] == [DEFAULTS["batch_size"]] * 3


def test_config_or_source_but_not_both(tmp_path: Path) -> None:
    config = create_migration_config(str(tmp_path / "absent.db"), work_dir=tmp_path / "work")
    for result in (run_migration(config), run_migration(config.sqlite_url, work_dir=config.work_dir)):
        assert (result.success, result.exit_code, result.migrated_records) == (False, 2, 0)
        assert "absent.db" in result.errors[0]
    with pytest.raises(ConfigurationError, match=r"batch_size: given beside a config"):
        run_migration(config, batch_size=3)
    with pytest.raises(ConfigurationError, match=r"weaviate_url: given beside a config"):
        run_migration(config, "http://localhost:8080")


@pytest.mark.parametrize("arguments", [("app.db",), ()])
def test_source_by_position_by_name_or_from_the_environment(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment_variable("sqlite_url"), "app.db")
    by_position, by_name = run_migration(*arguments), run_migration(sqlite_url="app.db")
    assert by_position.errors == by_name.errors
    assert "app.db" in by_name.errors[0]


def test_dagster_home_is_the_environment_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dagster_home(tmp_path) == tmp_path / "dagster_home"
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
    assert dagster_home(tmp_path) == tmp_path / "elsewhere"


@pytest.mark.parametrize("before", [None, "older"])
@pytest.mark.parametrize("key", [None, "key"])
def test_key_is_in_the_environment_only_while_it_is_needed(
    before: str | None, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        monkeypatch.setenv(API_KEY_VARIABLE, before)
    with api_key_in_environment(key):
        assert os.environ.get(API_KEY_VARIABLE) == key
    assert os.environ.get(API_KEY_VARIABLE) == before


def test_result_of_nothing() -> None:
    result = MigrationResult(success=False, exit_code=2)
    assert result.records_per_second == 0
    assert result.to_pandas().empty
