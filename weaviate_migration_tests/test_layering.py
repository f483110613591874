"""Who may import whom: CONTRIBUTING.md has the table for readers, and both are the same."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import weaviate_migration

PACKAGE = Path(weaviate_migration.__file__).parent


@dataclass(frozen=True)
class Row:
    """Folders that stand beside each other.

    Attributes:
        folders: each may import those of the rows above it, and those before it in its own row, but for `without`.
        without: which of those it may not import.
    """

    folders: tuple[str, ...]
    without: tuple[str, ...] = ()


ROWS = (
    Row(("base",)),
    Row(("mapping",)),
    Row(("source",)),
    Row(("target",), without=("source",)),
    Row(("work_folder",), without=("target",)),
    Row(("phases/history",)),
    Row(
        ("phases/preflight", "phases/dual_write", "phases/validation", "phases/cutover"), without=("phases/preflight",)
    ),
    Row(("runs", "monitoring", "defs")),
    Row(("api", "definitions.py")),
    Row(("demo", "cli")),
)
# Dagster is known from here on, but not by the metrics.
KNOW_DAGSTER = ("runs", "monitoring", "defs", "api", "definitions.py", "cli", "demo")
WITHOUT_DAGSTER = "monitoring/metrics"
# The libraries that part the folders, and who may import them; any other may be imported by all.
MAY_IMPORT = {
    "weaviate": ("target", "phases", "runs", "monitoring", "defs", "api", "cli", "demo"),
    "grpc": ("target",),
    "httpx": ("target",),
    "pyarrow": ("phases", "defs"),
    "click": ("cli", "demo"),
    "rich": ("monitoring/report", "cli", "demo"),
}
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = [folder for row in ROWS for folder in row.folders]
# What stands at the top for those who come from outside.
DOORS = ("__init__.py", "__main__.py")


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def folder_of(name: str) -> str | None:
    """The folder of the table that a file, or a module with slashes for its dots, belongs to."""
    found = [each for each in FOLDERS if name == each or name.startswith((f"{each.removesuffix('.py')}/", f"{each}/"))]
    return found[0] if found else None


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
    """The folders of this package that a file imports."""
    names = [name.split(".", 1)[1] for name in imported(path) if name.startswith(f"{PACKAGE.name}.")]
    return {folder for name in names if (folder := folder_of(name.replace(".", "/"))) is not None}


def libraries_of(path: Path) -> set[str]:
    """Dagster's own packages all count as Dagster."""
    tops = {name.split(".")[0] for name in imported(path)}
    return {"dagster" if name.startswith("dagster") else name for name in tops}


def before(folder: str) -> set[str]:
    """The folders that this one may import: itself too."""
    may: list[str] = []
    for row in ROWS:
        for each in row.folders:
            if each == folder:
                return {*may, folder} - (set(row.without) - {folder})
            may.append(each)
    raise AssertionError(f"{folder} is in no row")


MOVED = [path for path in FILES if folder_of(named(path))]


@pytest.mark.parametrize("path", MOVED, ids=named)
def test_folders_import_only_what_is_before_them(path: Path) -> None:
    folder = folder_of(named(path))
    assert folder is not None
    assert ours_of(path) <= before(folder)


@pytest.mark.parametrize("path", MOVED, ids=named)
def test_folders_import_only_their_own_libraries(path: Path) -> None:
    name = named(path)
    libraries = libraries_of(path)
    assert {each for each in libraries & set(MAY_IMPORT) if not name.startswith(MAY_IMPORT[each])} == set()
    if "dagster" in libraries:
        assert name.startswith(KNOW_DAGSTER)
        assert not name.startswith(WITHOUT_DAGSTER)


def test_no_file_is_called_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "manager", "types", "constants"}
    assert [named(path) for path in FILES if path.stem in vague] == []
