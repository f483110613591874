"""Every command of the docs is run, page after page, as a reader would run it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from junitparser import JUnitXml

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.documentation import CHECKOUT, code_blocks, console_commands, first_column
from weaviate_migration_tests.live.command_line import SECONDS
from weaviate_migration_tests.live.free_ports import free_port
from weaviate_migration_tests.live.lasting_commands import lasting, wait_for_page
from weaviate_migration_tests.live.small_demo import write_small_demo_file

BIN = Path(sys.executable).parent

# In a project that is made for them: `test_component` types those.
IN_A_PROJECT = console_commands("component.md")
COMMANDS = [each for each in console_commands() if each not in IN_A_PROJECT]
# Those that run until they are stopped, or set the shell up: each has a test of its own, below or in test_sync_command
# or test_terminal.
LASTING = (
    *("make ", "export ", "dagster dev", "weaviate-migration server"),
    *("weaviate-migration sync --follow", "weaviate-migration status --watch"),
)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an application's database in it, where the reader works."""
    folder = tmp_path_factory.mktemp("application")
    write_small_demo_file(folder / "app.db")
    (folder / "queries.yaml").write_text(code_blocks("yaml", "prove.md")[0], encoding="utf-8")
    return folder


def typed(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs what a reader types in this folder."""
    return subprocess.run(
        command.split(),
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_docs_have_commands() -> None:
    assert {"make demo", "make ui", "weaviate-migration migrate --sqlite-url app.db"} <= set(COMMANDS)


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.startswith(LASTING)])
def test_the_command_runs(command: str, application: Path, server: ServerAddress) -> None:
    """One after the other in one folder; the server that a command names is the one of this test run."""
    named = command.replace(
        "http://127.0.0.1:8080 --grpc-port 50051", f"http://127.0.0.1:{server.http_port} --grpc-port {server.grpc_port}"
    )
    if named != command:
        named += " --work-dir other --prefix Docs"
    ended = typed(named, application)
    assert ended.returncode == 0, ended.stdout + ended.stderr


# The application of these tests has no tenants, models, keys or workers, and all of it is on this machine:
# `test_room_for_tenants.py`, `test_vectorizer.py`, `test_vector_changes.py`, `test_embedding_costs.py`,
# `test_workers.py` and `test_storage.py` hold what is said.
ONLY_FOR_SOME = {
    *("tenants", "keys", "pending vectors", "embedding", "storage"),
    *("workers", "worker reaches state", "worker reaches storage", "worker reaches server"),
}
# Nor has it vectors: `test_recall.py` and `test_made_vectors.py` have.
CHECKS_OF_VECTORS = {"vectors", "recall"}


@pytest.mark.parametrize("command", ["preflight --sqlite-url app.db", "postflight"])
def test_the_items_of_a_checklist(command: str, application: Path) -> None:
    items = json.loads(typed(f"weaviate-migration {command} --json", application).stdout)["items"]
    documented = first_column("checklists.md", f"item of `{command.split()[0]}`")
    assert sorted(each["name"] for each in items) == sorted(set(documented) - ONLY_FOR_SOME)


def test_the_names_of_the_checks(application: Path) -> None:
    """Those that `checks --junit` has written down."""
    suites = JUnitXml.fromfile(str(application / "checks.xml"))
    found = {case.name.split("[")[0] for suite in suites for case in suite}
    assert found == set(first_column("prove.md", "check")) - CHECKS_OF_VECTORS


@pytest.mark.parametrize(
    ("example", "printed"),
    list(
        zip(code_blocks("python", "python.md"), ["True ", "{'PythonConversation': 'PythonConversation_"], strict=True)
    ),
    ids=["the whole way", "step by step"],
)
def test_the_python_example_runs(example: str, printed: str, application: Path, server: ServerAddress) -> None:
    url = f"http://127.0.0.1:{server.http_port}"
    ended = subprocess.run(
        [BIN / "python", "-c", example.replace("http://localhost:8080", url)],
        cwd=application,
        env={
            **os.environ,
            "WEAVIATE_MIGRATION_GRPC_PORT": str(server.grpc_port),
            "WEAVIATE_MIGRATION_WEAVIATE_URL": url,
            "WEAVIATE_MIGRATION_WORK_DIR": "python",
            "WEAVIATE_MIGRATION_PREFIX": "Python",
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(printed), ended.stdout + ended.stderr


def test_the_demo_then_the_ui(tmp_path: Path) -> None:
    work = [f"WORK={tmp_path}", f"VENV={BIN.parent}"]
    stamp = BIN.parent / ".installed"
    stamp.touch()
    demo = subprocess.run(
        ["make", "demo", *work], cwd=CHECKOUT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr.count("BM25 search in ") == 3
    *_, by_vector, by_both = demo.stderr.split(" search in Message: “merge sorted inputs”\n")
    for found in (by_vector, by_both):
        assert "Merge multiple sorted inputs into a single sorted output." in found.splitlines()[0]
    port = free_port()
    with lasting(["make", "ui", f"PORT={port}", *work], CHECKOUT):
        assert "Dagster" in wait_for_page(f"http://127.0.0.1:{port}/")


def test_the_server_command(tmp_path: Path) -> None:
    command = [str(BIN / "weaviate-migration"), "server", "--work-dir", "shared"]
    assert "weaviate-migration server --work-dir shared" in COMMANDS
    with lasting(command, tmp_path, PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        shown = next(line for line in process.stdout if line.startswith("--weaviate-url "))
        key = subprocess.run(
            ["bash", "-c", f'{process.stdout.readline()}echo "$WEAVIATE_MIGRATION_API_KEY"'],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        url = shown.split()[1]
        wait_for_page(f"{url}/v1/.well-known/ready")
        asked = urllib.request.Request(f"{url}/v1/meta", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(asked, timeout=SECONDS) as page:
            assert "modules" in json.load(page)


def test_dagster_dev_loads_with_a_source_in_the_environment(application: Path) -> None:
    assert "dagster dev" in COMMANDS
    port = free_port()
    command = [str(BIN / "dagster"), "dev", "--port", str(port)]
    with lasting(command, CHECKOUT, DAGSTER_HOME=str(application), WEAVIATE_MIGRATION_SQLITE_URL="app.db"):
        assert "Dagster" in wait_for_page(f"http://127.0.0.1:{port}/")
