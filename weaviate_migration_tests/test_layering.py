"""Who may import whom: every import of every file, wherever it stands. CONTRIBUTING.md has the same table."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import weaviate_migration

PACKAGE = Path(weaviate_migration.__file__).parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"


@dataclass(frozen=True)
class Row:
    """Folders that stand beside each other.

    Attributes:
        folders: each may import those of the rows above it, and those before it in its own row, but for `without`.
        what: what is in them, for readers.
        without: which of those above it none of them may import.
        libraries: those that only these folders, and the others that name them, may import.
    """

    folders: tuple[str, ...]
    what: str
    without: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


ROWS = (
    Row(
        ("base",),
        "what all stand on: settings, errors, secrets, logs, deadlines, permissions, disks, YAML, bounded HTTP",
        libraries=("rich", "httpx", "httpcore"),
    ),
    Row(("mapping",), "what becomes what: the mapping file, and the pure way of a row to an object and back"),
    Row(
        ("source",),
        "the SQLite side: inspect, plan, read rows, snapshot, triggers, change log",
        libraries=("sqlglot",),
    ),
    Row(
        ("target",),
        "the Weaviate side: server, connect, calls and their limits, schema, write, read back, aliases",
        without=("source",),
        libraries=("weaviate", "grpc", "httpx", "httpcore"),
    ),
    Row(("work_folder",), "what a migration keeps on disk; one file for each format", without=("target",)),
    Row(
        ("vectors",),
        "models that make vectors, and what they have made already",
        without=("source", "target", "work_folder"),
        libraries=("onnxruntime", "tokenizers", "model2vec", "sentence_transformers", "httpx"),
    ),
    Row(
        ("phases/history",),
        "snapshot, extracts, load, quarantine retry, changes since the snapshot",
        libraries=("weaviate", "pyarrow"),
    ),
    Row(
        ("phases/preflight", "phases/dual_write", "phases/validation", "phases/cutover"),
        "audit, drafts, dry run; capture, sync, following; comparisons, certificate, repair; switch, way back, cleanup",
        without=("phases/preflight",),
        libraries=("weaviate", "pyarrow"),
    ),
    Row(
        ("runs", "monitoring", "defs"),
        "runs and checks in Dagster's storage; metrics, alerts, status, report; what Dagster loads",
        libraries=("weaviate", "dagster", "pyarrow"),
    ),
    Row(
        ("api", "definitions.py"),
        "one file a command: opens, calls the phases, returns a frozen result; `defs`",
        libraries=("weaviate", "dagster"),
    ),
    Row(
        ("demo", "cli"),
        "a file to try it on; one file a command: options in, result shown",
        libraries=("weaviate", "dagster", "click", "rich"),
    ),
)
# Metrics are read in places that have no time for Dagster.
WITHOUT_DAGSTER = "monitoring/metrics/"
# The doors for those who come from outside: the names of the Python API, and the command.
DOORS = ("__init__.py", "__main__.py")
PARTING = {library for row in ROWS for library in row.libraries}
FILES = sorted(PACKAGE.rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


INSIDE = [path for path in FILES if named(path) not in DOORS]


def row_and_folder(name: str) -> tuple[Row, str] | None:
    """Where a file belongs to, or a module that is written with slashes; None where the table does not know it."""
    for row in ROWS:
        for folder in row.folders:
            if name.removesuffix(".py") == folder.removesuffix(".py") or name.startswith(f"{folder}/"):
                return row, folder
    return None


def imported(path: Path) -> Iterator[str]:
    """Full names of all modules and names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what is imported"
            assert node.module is not None
            yield from (f"{node.module}.{each.name}" for each in node.names)


def folders_of(path: Path) -> set[str]:
    """The folders of this package that a file imports; `phases/__init__.py` and its like hold nothing."""
    inside = [name.removeprefix(f"{PACKAGE.name}.") for name in imported(path) if name.startswith(f"{PACKAGE.name}.")]
    found = [row_and_folder(name.replace(".", "/")) for name in inside]
    assert None not in found, f"{named(path)} imports something of ours that no row has: {inside}"
    return {each[1] for each in found if each is not None}


def libraries_of(path: Path) -> set[str]:
    """Dagster's own packages all count as Dagster."""
    tops = {name.split(".")[0] for name in imported(path)}
    return {"dagster" if name.startswith("dagster") else name for name in tops} & PARTING


def before(row: Row, folder: str) -> set[str]:
    """The folders that this one may import, itself included."""
    above = [each for other in ROWS[: ROWS.index(row)] for each in other.folders]
    beside = row.folders[: row.folders.index(folder)]
    return {*above, *beside} - set(row.without) | {folder}


def ours_in_words(row: Row) -> str:
    """The column `may import, of ours` of CONTRIBUTING.md."""
    if row is ROWS[0]:
        return "nothing"
    order = ", in this order" if len(row.folders) > 1 else ""
    but = f", but for {', '.join(f'`{each}/`' for each in row.without)}" if row.without else ""
    return f"all above{order}{but}"


def in_words(row: Row) -> str:
    """The row as CONTRIBUTING.md has it."""
    folders = ", ".join(f"`{each}`" if each.endswith(".py") else f"`{each}/`" for each in row.folders)
    return f"| {folders} | {row.what} | {ours_in_words(row)} | {', '.join(row.libraries) or 'none'} |"


@pytest.mark.parametrize("path", INSIDE, ids=named)
def test_each_file_is_in_a_folder_that_the_table_knows(path: Path) -> None:
    is_empty_package = path.name == "__init__.py" and not list(imported(path))
    assert row_and_folder(named(path)) is not None or is_empty_package


@pytest.mark.parametrize("path", INSIDE, ids=named)
def test_folders_import_only_what_is_before_them(path: Path) -> None:
    found = row_and_folder(named(path))
    assert folders_of(path) <= (before(*found) if found else set())


@pytest.mark.parametrize("path", INSIDE, ids=named)
def test_folders_import_only_their_own_libraries(path: Path) -> None:
    found = row_and_folder(named(path))
    own = set(found[0].libraries) if found else set()
    assert libraries_of(path) <= own - ({"dagster"} if named(path).startswith(WITHOUT_DAGSTER) else set())


def test_files_never_import_each_other_in_a_circle() -> None:
    """Imports inside of functions count: they are how a circle hides. `TopologicalSorter` raises where there is one."""
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in FILES}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    graph = {
        name: {each if each in modules else each.rpartition(".")[0] for each in imported(path)}
        & modules.keys() - {name}
        for name, path in modules.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_nothing_imports_the_definitions_of_the_environment() -> None:
    """They are made from the environment while they are imported: that is for Dagster to do."""
    assert [named(path) for path in INSIDE if "definitions.py" in folders_of(path) - {"definitions.py"}] == []


def test_at_the_top_there_are_folders_and_the_doors() -> None:
    files = {named(path) for path in PACKAGE.glob("*.py")}
    assert files == {*DOORS, "definitions.py"}


def test_readers_find_the_same_table() -> None:
    told = CONTRIBUTING.read_text(encoding="utf-8")
    assert [in_words(row) for row in ROWS if in_words(row) not in told] == []


def test_the_order_of_rows_holds_what_it_says() -> None:
    """The rules that the table has to express, each of them: a table that allowed everything would pass all else."""
    may = {folder: before(row, folder) for row in ROWS for folder in row.folders}
    assert may["base"] == {"base"}
    assert may["source"] == {"base", "mapping", "source"}
    assert may["target"] == {"base", "mapping", "target"}
    assert may["work_folder"] == {"base", "mapping", "source", "work_folder"}
    assert may["vectors"] == {"base", "mapping", "vectors"}
    assert may["phases/history"] == {*may["work_folder"], "target", "vectors", "phases/history"}
    assert "phases/dual_write" in may["phases/validation"]
    assert "phases/validation" in may["phases/cutover"]
    assert not [each for each in may if each.startswith("phases/") and "phases/preflight" in may[each] - {each}]
    assert [each for each in may if "cli" in may[each]] == ["cli"]


def test_no_file_is_called_after_nothing() -> None:
    assert not {path.stem for path in FILES} & {"utils", "util", "helpers", "common", "manager"}
