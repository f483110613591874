"""Mappings of tables by their keys, and captures of them."""

from collections.abc import Mapping as Keys
from pathlib import Path

from weaviate_migration.mapping.models import Mapping
from weaviate_migration.source.capture import Capture, install_capture
from weaviate_migration.source.inspect import inspect_database
from weaviate_migration.source.plan import MigrationPlan, plan_migration

ID = "0123abcd"


def mapping_of(keys: Keys[str, tuple[str, ...]]) -> Mapping:
    """A mapping of these tables, each with the columns of its key; () is the declared one."""
    collections = [
        {
            "name": f"C{at}",
            "table": table,
            "key": key,
            "properties": [{"name": "p", "column": "p", "index": "stored"}],
        }
        for at, (table, key) in enumerate(keys.items())
    ]
    return Mapping.model_validate({"name": "test", "missing": "warn", "collections": collections})


def plan_of(path: Path, *tables: str, keys: Keys[str, tuple[str, ...]] | None = None) -> MigrationPlan:
    """The plan for these tables, by their declared keys, and for those whose keys are given."""
    return plan_migration(mapping_of({**dict.fromkeys(tables, ()), **(keys or {})}), inspect_database(path))


def install(path: Path, *tables: str, keys: Keys[str, tuple[str, ...]] | None = None, capture_id: str = ID) -> Capture:
    """Captures these tables."""
    return install_capture(path, plan_of(path, *tables, keys=keys), capture_id, busy_timeout_seconds=0.05)
