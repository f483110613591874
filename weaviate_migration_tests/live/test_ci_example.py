"""The example workflow: its commands exist, and run one after the other as a CI service would run them."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from junitparser import JUnitXml

import weaviate_migration
from weaviate_migration.base.settings import OPTIONS, environment_variable
from weaviate_migration.cli import cli
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.target.server_binary import SERVER_VERSION
from weaviate_migration_tests.live.small_demo import write_small_demo_file

PROGRAM = "weaviate-migration"
EXAMPLE = Path(weaviate_migration.__file__).parents[1] / "examples" / "ci" / "github-actions.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
JOB = WORKFLOW["jobs"]["migrate"]
COMMANDS = [step["run"] for step in JOB["steps"] if str(step.get("run", "")).startswith(PROGRAM)]


def test_the_migration_comes_before_the_report() -> None:
    assert [shlex.split(each)[1] for each in COMMANDS] == ["migrate", "checks"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_exist(command: str) -> None:
    _, name, *arguments = shlex.split(command)
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    assert found.make_context(name, arguments).params


def test_the_variables_exist() -> None:
    assert set(JOB["env"]) <= {environment_variable(field) for field in OPTIONS}


def test_the_cache_is_that_of_the_servers_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache,) = [step["with"] for step in JOB["steps"] if step.get("uses", "").startswith("actions/cache@")]
    assert SERVER_VERSION in cache["key"]
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    asked = [sys.executable, "-c", "from weaviate_migration.target.server_binary import *; print(binary_folder())"]
    folder = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=300).stdout.strip()
    assert folder == str(Path(cache["path"]).expanduser())


@pytest.mark.usefixtures("client")
def test_the_commands_run_and_the_report_is_there(tmp_path: Path, server: ServerAddress) -> None:
    """Against the server of this test run; in CI the command would start one."""
    source = tmp_path / JOB["env"]["WEAVIATE_MIGRATION_SQLITE_URL"]
    source.parent.mkdir(parents=True)
    write_small_demo_file(source)
    summary = tmp_path / "summary.md"
    environment = {
        **os.environ,
        **JOB["env"],
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(EXAMPLE.parents[2]),
        "GITHUB_STEP_SUMMARY": str(summary),
        "WEAVIATE_MIGRATION_WEAVIATE_URL": f"http://{server.host}:{server.http_port}",
        "WEAVIATE_MIGRATION_GRPC_PORT": str(server.grpc_port),
    }
    for command in COMMANDS:
        ended = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    (upload,) = [step["with"] for step in JOB["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
    suites = JUnitXml.fromfile(str(tmp_path / upload["path"]))
    assert "message" in [suite.name for suite in suites]
    assert summary.read_text(encoding="utf-8").startswith("### ✅ Every blocking check passed")
