"""MigrationConfig: every setting, its default and its limits; and the only reader of the environment."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.partitions import MAX_PARTITIONS
from weaviate_migration.base.texts import suggestion

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["text", "json"]
ConsistencyLevel = Literal["ONE", "QUORUM", "ALL"]
QUORUM: ConsistencyLevel = "QUORUM"
"""Of a collection with one replica it asks no more than that one. With three, a node may go, and what was confirmed is
still read: on three nodes it wrote 1.4 times as many objects a second as ALL (measured)."""

DEFAULT_WORK_DIR = Path(".weaviate_migration")
API_KEY_VARIABLE = "WEAVIATE_MIGRATION_API_KEY"

# How long a cutover waits for changes, comparisons and the index before it gives up.
CUTOVER_SECONDS = 600.0
# How long a sync waits for the end of another one.
SYNC_SECONDS = 60.0

# What a follower leaves of the change log, about 60 bytes an entry: 6 MB, and a week in which partitions can be loaded
# again from the snapshot that is there.
KEEP_CHANGES = 100_000
KEEP_HOURS = 168.0

# Dagster, Arrow and the Weaviate client take about 250 MB before the first row is read (measured).
MINIMUM_MEMORY_MB = 384

# What Dagster, Arrow and the clients take themselves, in the middle of a migration (measured).
_OWN_MEMORY_MB = 300
# How often a row is in memory at most: when its extract is written (12.7 times, measured with rows of 60 MB).
_COPIES_OF_A_ROW = 14

# The option of the command line for each field; the environment's variable is WEAVIATE_MIGRATION_ and its name.
OPTIONS: Mapping[str, str] = {
    "sqlite_url": "--sqlite-url",
    "weaviate_url": "--weaviate-url",
    "weaviate_api_key": "--api-key",
    "grpc_port": "--grpc-port",
    "grpc_host": "--grpc-host",
    "consistency_level": "--consistency-level",
    "batch_size": "--batch-size",
    "max_retries": "--max-retries",
    "retry_delay": "--retry-delay",
    "validation_sample_size": "--validation-sample",
    "enable_parallel_processing": "--parallel",
    "worker_count": "--workers",
    "executor": "--executor",
    "partitions_per_task": "--partitions-per-task",
    "memory_limit_mb": "--memory-limit-mb",
    "partitions": "--partitions",
    "dry_run": "--dry-run",
    "backup_before_migration": "--backup",
    "rollback_on_failure": "--rollback",
    "log_level": "--log-level",
    "log_file": "--log-file",
    "log_format": "--log-format",
    "mapping": "--mapping",
    "tenant": "--tenant",
    "prefix": "--prefix",
    "queries": "--queries",
    "work_dir": "--work-dir",
    "state_url": "--state-url",
    "live": "--live",
    "cutover": "--cutover",
    "allow_pause": "--allow-pause",
    "keep_changes": "--keep-changes",
    "keep_hours": "--keep-hours",
    "storage": "--storage",
    "vector_cache": "--vector-cache",
    "max_embedding_calls": "--max-embedding-calls",
    "alerts": "--alerts",
    "metrics_port": "--metrics-port",
    "metrics_address": "--metrics-address",
    "metrics_file": "--metrics-file",
    "metrics_push_url": "--metrics-push-url",
}


class MigrationConfig(BaseModel):
    """The settings of a migration.

    They can be changed until a call takes them: each call works on a copy of its own.

    Raises:
        ConfigurationError: one or more are wrong, when they are made or when one is set; the message names each, with
            its limits, and a setting that is wrong keeps its value.

    Attributes:
        sqlite_url: a path, or a URL `sqlite:///path`.
        weaviate_url: `embedded`, `embedded:DIR` or `http(s)://host[:port]`; of a cluster several of these, with commas.
        weaviate_api_key: for a server that wants one.
        grpc_port: of a server that is not embedded; 50051, for https 443.
        grpc_host: the host of its gRPC, where that is not the one of `weaviate_url`.
        consistency_level: how many replicas of an object have to take part where it is written, read or removed: `ONE`,
            `QUORUM` or `ALL`. It is of no account where a collection has one replica.
        batch_size: objects in a batch at most.
        max_retries: how often an object is sent, and any other call made, again after a failure that may pass.
        retry_delay: seconds before the first of these; doubled each time, with jitter.
        validation_sample_size: rows of each collection that the check `sample` compares.
        enable_parallel_processing: load collections side by side, each in a process of its own, where there are cores
            to gain by it.
        worker_count: batches under way at once: of all processes together, or of each step where workers carry it out,
            which then have so many runs of `partitions_per_task` side by side at most.
        executor: the file that names one of Dagster's executors, which then runs the steps; None: as
            `enable_parallel_processing` says.
        partitions_per_task: so many partitions are loaded or compared by one run, and runs side by side; None: all.
        memory_limit_mb: what sorting and batches are sized by, and how large a row may be: a fourteenth of what is
            beyond 300; at least 384.
        partitions: into how many ranges a migration that begins cuts each table; None: as many as the migration in use
            has, or the newest one, else 16. A migration keeps its number for life.
        dry_run: do everything but write to Weaviate.
        backup_before_migration: keep the snapshot as a backup; otherwise it is removed once the migration is cut over.
        rollback_on_failure: a migration that failed removes the collections it made.
        log_level: the least level of the log records that are shown and written.
        log_file: where log records go as JSON lines, whatever the terminal shows.
        log_format: of the log records on standard error: `text` for people, or the JSON lines of a file.
        mapping: the mapping file, or the name of a preset; None: the migration's own, or what fits the file.
        tenant: the one tenant whose rows are migrated; None: all rows of all collections.
        prefix: stands before the names of collections and aliases.
        queries: the file of the application's own queries, which have to be answered; None: those of before, if any.
        work_dir: embedded server, Dagster's home, and what `state_url` and `storage` do not keep elsewhere.
        state_url: of the PostgreSQL database that keeps the state of the migrations, for several machines:
            `postgresql+psycopg2://user@host/database`; '' is `state.sqlite` in the work folder.
        live: capture changes of the source before anything else, and apply them before the cutover.
        cutover: point the aliases at the new collections at the end.
        allow_pause: take the snapshot although writers will wait for it more than 2 s.
        keep_changes: of the change log, so many applied entries stay at most.
        keep_hours: and none that is older.
        storage: where snapshot, extracts, quarantine, certificate and report are kept: any fsspec path; '' is the work
            folder.
        vector_cache: the file of the vectors that were made, or a PostgreSQL database as `state_url` names one;
            migrations may share it. None: `vectors.sqlite` in the work folder; where there is none, the database of
            `state_url`.
        max_embedding_calls: how often a command asks models for vectors at most; None: as often as is needed.
        alerts: the file that says where alerts go, and from when on something is one; None: nobody is told.
        metrics_port: serves metrics for Prometheus while a command runs.
        metrics_address: of the machine, on which they are served: nobody else reaches the loopback's.
        metrics_file: gets the metrics while a command runs and at its end, for node_exporter.
        metrics_push_url: of a push gateway that gets them; a user and a password may be in it.
    """

    model_config = ConfigDict(validate_assignment=True, extra="forbid", hide_input_in_errors=True)

    sqlite_url: str
    weaviate_url: str = Field(default="embedded", min_length=1)
    weaviate_api_key: str | None = Field(default=None, repr=False)
    grpc_port: int | None = Field(default=None, ge=1, le=65535)
    grpc_host: str | None = Field(default=None, min_length=1)
    consistency_level: ConsistencyLevel = QUORUM
    batch_size: int = Field(default=100, ge=1, le=10_000)
    max_retries: int = Field(default=3, ge=0, le=100)
    retry_delay: float = Field(default=1.0, ge=0, le=3600, allow_inf_nan=False)
    validation_sample_size: int = Field(default=1000, ge=1)
    enable_parallel_processing: bool = False
    worker_count: int = Field(default=4, ge=1, le=64)
    executor: Path | None = None
    partitions_per_task: int | None = Field(default=None, ge=1)
    memory_limit_mb: int = Field(default=1024, ge=MINIMUM_MEMORY_MB)
    partitions: int | None = Field(default=None, ge=1, le=MAX_PARTITIONS)
    dry_run: bool = False
    backup_before_migration: bool = True
    rollback_on_failure: bool = True
    log_level: LogLevel = "INFO"
    log_file: Path | None = None
    log_format: LogFormat = "text"
    mapping: Path | None = None
    tenant: str | None = Field(default=None, min_length=1)
    prefix: str = Field(default="", pattern=r"^([A-Z][_0-9A-Za-z]*)?$", max_length=50)
    queries: Path | None = None
    work_dir: Path = DEFAULT_WORK_DIR
    state_url: str = ""
    live: bool = False
    cutover: bool = True
    allow_pause: bool = False
    keep_changes: int = Field(default=KEEP_CHANGES, ge=1)
    keep_hours: float = Field(default=KEEP_HOURS, ge=0, allow_inf_nan=False)
    storage: str = ""
    vector_cache: Path | str | None = None
    max_embedding_calls: int | None = Field(default=None, ge=0)
    alerts: Path | None = None
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    metrics_address: str = Field(default="127.0.0.1", min_length=1)
    metrics_file: Path | None = None
    metrics_push_url: str | None = Field(default=None, pattern=r"^https?://[^/]", repr=False)

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets a field; pydantic would say of a name that is none what no person has typed."""
        if name not in type(self).model_fields:
            raise _refusal([_no_such_setting(name)])
        super().__setattr__(name, value)

    @model_validator(mode="wrap")
    @classmethod
    def _mistakes_are_told(cls, values: Any, validate: ModelWrapValidatorHandler["MigrationConfig"]) -> Any:
        """Pydantic calls it for settings that are made, and for each that is set."""
        try:
            return validate(values)
        except ValidationError as error:
            mistakes = error.errors(include_url=False, include_context=False)
            raise _refusal([_mistake(dict(each)) for each in mistakes]) from None

    @field_validator("weaviate_url", "storage", "state_url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        """Dagster stores them, with each run."""
        return _without_password(url)

    @field_validator("state_url")
    @classmethod
    def _is_of_postgresql(cls, url: str) -> str:
        return url and _of_postgresql(url)

    @field_validator("vector_cache")
    @classmethod
    def _is_a_file_or_of_postgresql(cls, named: Path | str | None) -> Path | str | None:
        if not isinstance(named, str):
            return named
        return _of_postgresql(_without_password(named)) if "://" in named else Path(named)

    @property
    def processes(self) -> int:
        """How many processes load side by side; one where cores are too few to gain by more."""
        gains = self.enable_parallel_processing and gains_side_by_side(self.weaviate_url, usable_cores())
        return self.worker_count if gains else 1


def _without_password(url: str) -> str:
    if has_password(url):
        raise ValueError("holds a password: leave it out")
    return url


def _of_postgresql(url: str) -> str:
    if not re.match(r"postgresql\+psycopg2://.", url):
        raise ValueError("has to begin with postgresql+psycopg2://")
    return url


def has_password(url: str) -> bool:
    """Whether a password stands in a URL."""
    return re.search(r"://[^/?#]*:[^/?#]*@|[?&]password=", url) is not None


def usable_cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gains_side_by_side(weaviate_url: str, cores: int) -> bool:
    """Whether several processes can load faster than one.

    An embedded server takes a core of its own. On two cores with one, six tables of 20,000 rows took 1.10 times as long
    side by side, and empty tables 6.6 s longer (measured, `docs/speed.md`).
    """
    of_server = 1 if weaviate_url.startswith("embedded") else 0
    return cores - of_server > 1


def spare_memory_mb(memory_limit_mb: int) -> int:
    """What is left for rows."""
    return max(64, memory_limit_mb - _OWN_MEMORY_MB)


def largest_row_bytes(memory_limit_mb: int) -> int:
    """How large a row may be that is moved within this memory."""
    return spare_memory_mb(memory_limit_mb) * 1024 * 1024 // _COPIES_OF_A_ROW


def memory_for_row_mb(row_bytes: int) -> int:
    """The memory that a row of so many bytes needs."""
    return _OWN_MEMORY_MB + -(-row_bytes * _COPIES_OF_A_ROW // (1024 * 1024))


def sort_memory_mb(memory_limit_mb: int) -> int:
    """How much SQLite's sorter may hold before it goes to disk; more than 16 MB made it no faster (measured)."""
    return max(4, min(16, spare_memory_mb(memory_limit_mb) // 16))


def create_migration_config(sqlite_url: str | None = None, **options: Any) -> MigrationConfig:
    """The settings from these options, for those not given from the environment, and else from the defaults.

    Args:
        sqlite_url: a path, or a URL `sqlite:///path`.
        options: fields of `MigrationConfig`; None counts as not given.

    Raises:
        ConfigurationError: one or more of them are wrong; the message names each, with its limits.
    """
    given = {name: value for name, value in {"sqlite_url": sqlite_url, **options}.items() if value is not None}
    settings = _from_environment() | given
    if "sqlite_url" not in settings:
        raise no_source_named()
    return MigrationConfig.model_validate(settings)


def no_source_named() -> ConfigurationError:
    """What a command says that needs to know the SQLite file."""
    return ConfigurationError("No SQLite file is named.", "Give it with --sqlite-url: a path, or sqlite:///path.")


def environment_variable(field: str) -> str:
    """The variable of the environment that sets this field: `sqlite_url` gives WEAVIATE_MIGRATION_SQLITE_URL."""
    return "WEAVIATE_MIGRATION_" + OPTIONS[field].removeprefix("--").replace("-", "_").upper()


def config_with_optional_source(**options: Any) -> MigrationConfig:
    """The settings as `create_migration_config` makes them; `sqlite_url` is '' where nothing names a source.

    For Dagster's UI, and for commands that know the source from the record of the migration.
    """
    source = options.pop("sqlite_url", None) or _from_environment().get("sqlite_url", "")
    return create_migration_config(source, **options)


def value_in_environment(variable: str) -> str | None:
    """A value that a file of settings names instead of holding it, because it is secret; None where it is not set."""
    return os.environ.get(variable) or None


def refuse_unset(variables: Mapping[str, str]) -> None:
    """Raises ConfigurationError where a variable of the environment is not set.

    Args:
        variables: each with what needs it.
    """
    if unset := [f"{name}, which {what} needs" for name, what in variables.items() if not value_in_environment(name)]:
        raise ConfigurationError(
            f"not set in the environment: {'; '.join(unset)}",
            "Set it to the key; the mapping names the variable alone.",
        )


def dagster_home(work_dir: Path) -> Path:
    """The folder of Dagster's instance: DAGSTER_HOME, or one in the work folder."""
    return Path(os.environ.get("DAGSTER_HOME") or work_dir / "dagster_home").absolute()


@contextmanager
def api_key_in_environment(api_key: str | None) -> Iterator[None]:
    """Hands the key to the run and its child processes: in the run's config it would be stored and shown."""
    before = os.environ.pop(API_KEY_VARIABLE, None)
    if api_key:
        os.environ[API_KEY_VARIABLE] = api_key
    try:
        yield
    finally:
        os.environ.pop(API_KEY_VARIABLE, None)
        if before is not None:
            os.environ[API_KEY_VARIABLE] = before


def _from_environment() -> dict[str, str]:
    variables = {field: environment_variable(field) for field in OPTIONS}
    return {field: os.environ[name] for field, name in variables.items() if os.environ.get(name)}


def _refusal(mistakes: Sequence[str]) -> ConfigurationError:
    return ConfigurationError(
        "; ".join(mistakes), "`weaviate-migration migrate --help` shows every option with its default."
    )


def _no_such_setting(name: str) -> str:
    return f"{name}: is no setting{suggestion(name, MigrationConfig.model_fields)}"


def _mistake(error: dict[str, Any]) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return _no_such_setting(field)
    if field == "metrics_push_url":  # Without the value: it may hold a password.
        return f"{OPTIONS[field]}: has to begin with http:// or https://, and to name a host"
    if error["type"] == "string_pattern_mismatch":  # Only the prefix is left that has a pattern.
        return f"{OPTIONS[field]}: has to begin with a capital letter, and to hold letters, digits and _ only"
    if error["type"] == "string_too_short":
        return f"{OPTIONS[field]}: must not be empty"
    said = error["msg"].removeprefix("Value error, ")
    return f"{OPTIONS.get(field, field)}: {said[:1].lower()}{said[1:]}"
