"""The project as others meet it: a wheel, a Dagster project, a set of make targets."""

from pathlib import Path

import pytest

from weaviate_migration.demo import write_demo_file
from weaviate_migration.runs.runner import dagster_instance
from weaviate_migration_tests.installed_package import BIN, CHECKOUT, install_package, run


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_package(tmp_path_factory.mktemp("installed"))


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


@pytest.mark.parametrize("target", ["demo", "ui", "test", "test-lowest", "lint", "lock", "docs", "bench"])
def test_make_knows_the_target(target: str) -> None:
    assert run("make", "--dry-run", target, cwd=CHECKOUT)
