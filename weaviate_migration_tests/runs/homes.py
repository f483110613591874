"""Dagster's homes, opened with our storage or with Dagster's own, and what is in their files."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from weaviate_migration.runs import dagster_storage
from weaviate_migration.runs.runner import dagster_instance

NAMED_VERSIONS = dagster_storage.TESTED_VERSIONS
# The installed version is being tested.
dagster_storage.TESTED_VERSIONS |= {dg.__version__}

# When a row was made is another moment in each file.
_MOMENTS = {"create_timestamp", "migration_completed"}


def home_of(work_dir: Path) -> Path:
    return work_dir / "dagster_home"


@contextmanager
def ours(work_dir: Path) -> Iterator[dg.DagsterInstance]:
    """The home in a work folder as our commands open it."""
    with dagster_instance(work_dir) as instance:
        yield instance


@contextmanager
def dagsters(work_dir: Path) -> Iterator[dg.DagsterInstance]:
    """The same home as Dagster alone opens it, whatever its `dagster.yaml` says."""
    home = home_of(work_dir)
    home.mkdir(parents=True, exist_ok=True)
    own = {"storage": {"sqlite": {"base_dir": str(home)}}}
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=own)) as instance:
        yield instance


def files_of(work_dir: Path) -> list[Path]:
    """The SQLite files of a home."""
    return sorted(home_of(work_dir).rglob("*.db"))


def tables_of(file: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, without the moments at which they were made."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return {name: _rows(connection, name) for (name,) in names.fetchall()}


def schema_of(file: Path) -> list[tuple[str, str, str | None]]:
    """Tables and indexes as SQLite has them."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def _rows(connection: sqlite3.Connection, name: str) -> list[dict[str, Any]]:
    rows = map(dict, connection.execute(f'SELECT * FROM "{name}" ORDER BY 1'))
    return [{column: value for column, value in row.items() if column not in _MOMENTS} for row in rows]
