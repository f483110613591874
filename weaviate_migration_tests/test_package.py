"""The project as others meet it: a wheel, a Dagster project, a set of make targets."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import weaviate_migration
from weaviate_migration.demo import write_demo_file
from weaviate_migration.runs.runner import dagster_instance

CHECKOUT = Path(weaviate_migration.__file__).parents[1]
BIN = Path(sys.executable).parent


def run(*command: object, cwd: Path, **environment: str) -> str:
    """What a command printed; one that fails fails the test, with its output."""
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a wheel is built from, away from the checkout: building leaves folders behind."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder)
    shutil.copytree(
        CHECKOUT / "weaviate_migration", folder / "weaviate_migration", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with the wheel in it; our dependencies are lent to it, the checkout is not."""
    folder = tmp_path_factory.mktemp("installed")
    run(BIN / "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sources, cwd=folder)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", *folder.glob("*.whl"), cwd=folder)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # A .pth file lends what is installed here; an editable install's own .pth files are not read from there.
    Path(site, "lent.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "venv" / "bin"


def test_the_wheel_works_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import weaviate_migration as w; print(w.__file__)", cwd=tmp_path)
    assert str(installed.parent) in where
    assert "migrate" in run(installed / "weaviate-migration", "--help", cwd=tmp_path)
    assert "migrate" in run(installed / "python", "-m", "weaviate_migration", "--help", cwd=tmp_path)


def test_the_shipped_mapping_is_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    write_demo_file(tmp_path / "demo.sqlite")
    plan = run(installed / "weaviate-migration", "plan", "--sqlite-url", "demo.sqlite", cwd=tmp_path)
    assert "MultiModalContent" in plan


def test_dagster_and_dg_load_the_project(tmp_path: Path) -> None:
    with dagster_instance(tmp_path):
        home = str(tmp_path / "dagster_home")
    validated = run(
        BIN / "dagster", "definitions", "validate", "--workspace", "workspace.yaml", cwd=CHECKOUT, DAGSTER_HOME=home
    )
    assert "Validation successful for code location weaviate_migration.definitions" in validated
    assert "loaded successfully" in run(BIN / "dg", "check", "defs", cwd=CHECKOUT, DAGSTER_HOME=home)


def test_telemetry_is_off_in_the_instance_that_we_make(tmp_path: Path) -> None:
    with dagster_instance(tmp_path) as instance:
        assert not instance.telemetry_enabled


@pytest.mark.parametrize("target", ["demo", "ui", "test", "lint", "docs", "bench"])
def test_make_knows_the_target(target: str) -> None:
    assert run("make", "--dry-run", target, cwd=CHECKOUT)
