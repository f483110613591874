"""Who may import what: packages follow the way of the data, and only what is made for Dagster knows Dagster."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import weaviate_migration

PACKAGE = Path(weaviate_migration.__file__).parent

# A folder, or a module beside them, and what of ours it may import; all may import `errors`, `redaction` and itself.
OURS: dict[str, set[str]] = {
    "errors": set(),
    "redaction": set(),
    "logs": {"settings"},
    "suggestion": set(),
    "yaml_file": {"suggestion"},
    "mapping": {"yaml_file"},
    "settings": set(),
    "demo": set(),
    "quarantine": set(),
    "history": set(),
    "progress": {"history"},
    "load_tally": set(),
    "check_results": set(),
    "shadow_reads": set(),
    "commit_hook": set(),
    "transform": {"mapping"},
    "source": {"mapping", "suggestion"},
    "extract": {"mapping", "source", "transform"},
    "target": {"mapping", "transform"},
    "verify": {"mapping", "source", "extract", "transform", "target"},
    "record": {"mapping"},
    "audit": {"mapping", "source", "transform", "target"},
    "loaded": {"load_tally"},
    "sync_position": {"source", "record"},
    "change_capture": {"mapping", "settings", "source", "work_folder"},
    "work_folder": {
        *("loaded", "mapping", "record", "quarantine", "comparisons", "sync_position", "history", "check_results"),
    },
    "since_snapshot": {"mapping", "source", "extract", "transform", "target", "record", "sync_position", "work_folder"},
    "load": {
        "mapping",
        "extract",
        "transform",
        "target",
        "verify",
        "quarantine",
        "progress",
        "since_snapshot",
        "loaded",
        "load_tally",
    },
    "comparisons": {"verify"},
    "proof": {"mapping", "source", "extract", "transform", "target", "verify", "record", "since_snapshot"},
    "repair": {"transform", "target", "load", "proof", "quarantine"},
    "certificate": {"verify", "record"},
    "certification": {"certificate", "extract", "mapping", "record", "source", "work_folder"},
    "sync": {
        *("mapping", "source", "extract", "transform", "target", "record", "load", "quarantine"),
        *("since_snapshot", "sync_position", "history"),
    },
    "change_proof": {"source", "extract", "target", "verify", "sync"},
    "live_verification": {
        *("mapping", "target", "record", "change_proof", "following", "since_snapshot", "sync", "sync_position"),
        "work_folder",
    },
    "following": {
        *("mapping", "source", "target", "record", "settings"),
        *("since_snapshot", "sync", "sync_position", "work_folder"),
    },
    "metrics": {
        *("settings", "source", "target", "record", "load_tally", "loaded", "progress", "check_results"),
        *("since_snapshot", "sync_position", "work_folder"),
    },
    "change_sync": {
        *("alerts", "metrics"),
        *("mapping", "source", "record", "settings", "since_snapshot", "sync", "sync_position", "following"),
        "work_folder",
    },
    "background_sync": {"settings", "following", "sync"},
    "dual_writer": {"mapping", "settings", "source", "background_sync", "commit_hook", "following", "work_folder"},
    "replay": {"mapping", "extract", "transform", "target", "load", "quarantine", "since_snapshot"},
    "dry_run": {"mapping", "source", "extract", "transform", "target"},
    "cutover": {"target", "record", "quarantine", "sync", "change_proof"},
    "phase": {"record"},
    "cleanup": {"source", "target", "record", "since_snapshot", "work_folder"},
    "checklist": set(),
    "alerts": {
        *("progress", "settings", "since_snapshot", "source", "sync_position", "target", "work_folder", "yaml_file"),
    },
    "preflight": {
        *("checklist", "mapping", "settings", "source", "extract", "transform", "target", "work_folder"),
    },
}
# The libraries that part them; any other may be imported by all.
LIBRARIES = {"dagster", "weaviate", "grpc", "httpx", "sqlite3", "sqlalchemy", "pyarrow", "click", "rich"}
MAY_IMPORT: dict[str, set[str]] = {
    "suggestion": set(),
    "yaml_file": set(),
    "mapping": set(),
    "transform": set(),
    "errors": set(),
    "redaction": set(),
    "logs": set(),
    "settings": set(),
    "quarantine": set(),
    "history": set(),
    "progress": set(),
    "load_tally": set(),
    "check_results": set(),
    "metrics": set(),
    "shadow_reads": set(),
    "commit_hook": {"sqlalchemy"},
    "record": set(),
    "source": {"sqlite3", "sqlalchemy"},
    "demo": {"sqlite3"},
    "extract": {"pyarrow"},
    "target": {"weaviate", "grpc", "httpx"},
    "verify": {"pyarrow", "weaviate"},
    "audit": {"sqlite3"},
    "loaded": set(),
    "sync_position": set(),
    "change_capture": {"sqlite3"},
    "work_folder": set(),
    "since_snapshot": set(),
    "sync": {"weaviate"},
    "change_proof": {"weaviate"},
    "live_verification": {"weaviate"},
    "following": {"weaviate"},
    "change_sync": set(),
    "background_sync": set(),
    "dual_writer": {"sqlalchemy"},
    "load": {"pyarrow", "weaviate"},
    "comparisons": set(),
    "proof": {"pyarrow", "weaviate"},
    "repair": set(),
    "certificate": {"sqlite3"},
    "certification": set(),
    "replay": {"pyarrow", "weaviate"},
    "dry_run": set(),
    "cutover": {"weaviate"},
    "phase": set(),
    "cleanup": {"weaviate"},
    "checklist": set(),
    "alerts": set(),
    "preflight": {"sqlite3", "weaviate"},
}
KNOW_DAGSTER = {
    *("assets", "checks", "resources", "jobs", "partitions", "sensors", "code_location", "definitions"),
    *("migrator", "cli"),
    # What the command line is composed of: the run of a job in this process, and what its events say.
    *("job_run", "run_events", "run_phases", "run_records"),
    # What the checks said last is read from Dagster's storage.
    *("check_report", "readiness", "run_alerts", "alert_sensors", "migration_report"),
    # What runs record is kept there.
    "runs",
}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The folder, or the module beside the folders, that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what is imported"
            assert node.module is not None
            yield from (f"{node.module}.{each.name}" for each in node.names)


def ours_of(path: Path) -> set[str]:
    """The parts of this package that a file imports."""
    names = (name.split(".") for name in imported(path))
    return {name[1] if len(name) > 1 else "" for name in names if name[0] == PACKAGE.name}


def libraries_of(path: Path) -> set[str]:
    """Dagster's own packages all count as Dagster."""
    tops = {name.split(".")[0] for name in imported(path)}
    return {"dagster" if name.startswith("dagster") else name for name in tops} & LIBRARIES


def named(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in OURS], ids=named)
def test_parts_import_only_what_is_before_them(path: Path) -> None:
    part = part_of(path)
    assert ours_of(path) <= OURS[part] | {"errors", "redaction", part}


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in MAY_IMPORT], ids=named)
def test_parts_import_only_their_own_libraries(path: Path) -> None:
    assert libraries_of(path) <= MAY_IMPORT[part_of(path)]


def test_dagster_is_known_only_where_it_belongs() -> None:
    assert {part_of(path) for path in FILES if "dagster" in libraries_of(path)} <= KNOW_DAGSTER


def test_what_moves_the_data_imports_nothing_that_knows_dagster() -> None:
    for path in FILES:
        if part_of(path) in OURS:
            assert not ours_of(path) & KNOW_DAGSTER, named(path)


def test_nothing_imports_the_command_line() -> None:
    assert [named(path) for path in FILES if "cli" in ours_of(path) and part_of(path) not in ("cli", "__main__")] == []


def test_nothing_imports_the_definitions_of_the_environment() -> None:
    assert [named(path) for path in FILES if "definitions" in ours_of(path)] == []


def test_the_parts_are_all_there() -> None:
    assert set(OURS) == set(MAY_IMPORT)
    assert set(OURS) <= set(map(part_of, FILES))


def test_no_file_is_called_after_nothing() -> None:
    assert not {path.stem for path in FILES} & {"utils", "util", "helpers", "common", "manager"}
