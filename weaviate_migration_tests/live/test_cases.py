"""Golden cases: a folder each in `cases/`, migrated by the command line and compared with what it should become.

`create.sql` makes the database; `mapping.yaml` is that of the case, or else the one beside the folders. `expected.json`
has the exit code and, of what it states, all: rows, objects by their key, quarantine, failed checks, audit. A property
that only repeats the key is left out. `expected_error.txt` has the exit code and parts of what is told.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import weaviate
from weaviate.classes.config import DataType
from weaviate.collections import Collection

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.partition_values import COMPARISONS
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.live.command_line import Ended, at, run_here

CASES = Path(__file__).parents[1] / "cases"
NAMES = sorted(path.name for path in CASES.iterdir() if path.is_dir())
WORKERS = 1
MEMORY_LIMIT_MB = 2048  # One case has a row of 105 MB, and by default nothing is begun with such a one.
_SHOWN_CHARACTERS = 1000


@pytest.fixture(params=NAMES)
def case(request: pytest.FixtureRequest) -> Path:
    return CASES / str(request.param)


def test_each_case_becomes_what_it_should(
    case: Path, client: weaviate.WeaviateClient, server: ServerAddress, tmp_path: Path
) -> None:
    source = [*("--sqlite-url", make_database(case, tmp_path)), *("--mapping", mapping_of(case))]
    ended = run_here(
        "migrate",
        *source,
        *at(server),
        *("--work-dir", tmp_path / "work"),
        *("--workers", WORKERS),
        *("--memory-limit-mb", MEMORY_LIMIT_MB),
        "--json",
    )
    error = case / "expected_error.txt"
    if error.exists():
        assert_complaint(ended, error.read_text(encoding="utf-8").splitlines())
        return
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    assert ended.code == expected.pop("exit_code"), ended.stderr
    found = {
        "collections": collections(ended),
        "objects": {name: objects(client, each["collection"]) for name, each in ended.json["collections"].items()},
        "quarantine": sorted(quarantine(tmp_path / "work" / "quarantine")),
        "largest_partition": largest_partition(StateStore.of(tmp_path / "work")),
        "failed_checks": sorted({each["name"] for each in ended.json["checks"] if not each["passed"]}),
        "warnings": ended.json["warnings"],
    }
    if "audit" in expected:
        found["audit"] = audited(run_here("audit", *source, "--work-dir", tmp_path / "work", "--json"))
    assert_refused(found.pop("quarantine"), expected.pop("quarantine", []))
    for name, value in expected.items():
        assert exact(found[name]) == exact(value), name


def make_database(case: Path, folder: Path) -> Path:
    path = folder / "app.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((case / "create.sql").read_text(encoding="utf-8"))
    return path


def mapping_of(case: Path) -> Path:
    own = case / "mapping.yaml"
    return own if own.exists() else CASES / "mapping.yaml"


def assert_refused(found: list[list[str]], expected: list[list[str]]) -> None:
    """Each refused row with a part of the reason."""
    assert len(found) == len(expected), found
    for (key, reason), (expected_key, part) in zip(found, expected, strict=True):
        assert key == expected_key
        assert part in reason


def assert_complaint(ended: Ended, expected: list[str]) -> None:
    code, *parts = expected
    assert ended.code == int(code), ended.stderr
    assert [part for part in parts if part not in ended.stderr] == []


def collections(ended: Ended) -> dict[str, list[int]]:
    """Of each collection: rows, migrated, refused."""
    found = ended.json["collections"].items()
    return {name: [each["source_rows"], each["migrated"], each["failed"]] for name, each in found}


def audited(ended: Ended) -> dict[str, dict[str, int]]:
    """Of each property: how many values of which kinds it cannot hold exactly."""
    assert ended.code == 0, ended.stderr
    found: dict[str, dict[str, int]] = {}
    for finding in (
        each for table in ended.json["tables"] for column in table["columns"] for each in column["findings"]
    ):
        found.setdefault(finding["property"], {})[finding["kind"]] = finding["count"]
    return found


def objects(client: weaviate.WeaviateClient, collection: str) -> dict[str, dict[str, Any]]:
    """Of each object, by the key that it tells: its properties, and the columns that it keeps verbatim.

    In a collection with tenants, the tenant's name and a slash stand before the key.
    """
    objects = client.collections.use(collection)
    if not objects.config.get().multi_tenancy_config.enabled:
        return objects_of(objects)
    tenants = {tenant: objects_of(objects.with_tenant(tenant)) for tenant in objects.tenants.get()}
    return {f"{tenant}/{key}": each for tenant, held in tenants.items() for key, each in held.items()}


def objects_of(objects: Collection[Any, Any]) -> dict[str, dict[str, Any]]:
    found = {}
    # Weaviate returns blobs only where they are named.
    blobs = [each.name for each in objects.config.get().properties if each.data_type == DataType.BLOB]
    pictures = {each.uuid: each.properties for each in objects.iterator(return_properties=blobs)} if blobs else {}
    for each in objects.iterator():
        held: dict[str, Any] = {**each.properties, **pictures.get(each.uuid, {})}
        provenance: Any = held.pop("metadata")
        properties = {name: shown(value) for name, value in held.items() if value is not None}
        key = provenance["original_id"]
        said = {name: value for name, value in properties.items() if value != key}
        found[key] = said | {"source_columns": shown(json.loads(provenance["source_columns"]))}
    return found


def quarantine(folder: Path) -> Iterator[list[str]]:
    """Of each refused row: key and reason."""
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield [shown(row["key"]), row["reason"]]


def largest_partition(store: StateStore) -> int:
    """How many rows the largest of all partitions has."""
    return max(int(json.loads(content)["rows"]) for content in store.all(COMPARISONS).values())


def shown(value: Any) -> Any:
    """A value as `expected.json` has it: dates as text, long texts by their beginning and their length."""
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case str() if len(value) > _SHOWN_CHARACTERS:
            return f"{value[:10]}… ({len(value)} characters)"
        case UUID():
            return str(value)
        case list():
            return list(map(shown, value))
        case Mapping():
            return {name: shown(each) for name, each in value.items()}
    return value


def exact(value: Any) -> Any:
    """Makes 1, 1.0 and true, and 0.0 and -0.0, others."""
    match value:
        case Mapping():
            return {name: exact(each) for name, each in value.items()}
        case list():
            return [exact(each) for each in value]
    return repr(value)
