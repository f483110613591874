"""The lock files: they hold what pyproject.toml asks for, and pip takes nothing whose hash it does not know."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from weaviate_migration_tests.installed_package import CHECKOUT

OWN_NAME = "weaviate-migration"
IMAGE_EXTRAS = ("celery", "dask", "k8s", "postgres", "s3", "vectors")
LOCKED_EXTRAS = {"runtime.txt": (), "image.txt": IMAGE_EXTRAS, "dev.txt": ("dev", "docs", "demo", *IMAGE_EXTRAS)}
PYTHONS = ("3.11", "3.12", "3.13")


def locked(name: str) -> list[tuple[Requirement, str]]:
    """Each requirement of a lock file, with what stands behind it."""
    text = Path(CHECKOUT, "requirements", name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.partition("--hash=") for line in text.splitlines() if line and not line.lstrip().startswith("#"))
    return [(Requirement(requirement), hashes) for requirement, _, hashes in lines]


def asked_for(*extras: str) -> Iterator[Requirement]:
    project = tomllib.loads(Path(CHECKOUT, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return (each for lines in lists for each in map(Requirement, lines) if each.name != OWN_NAME)


def versions_of(name: str, python: str, lock: list[tuple[Requirement, str]]) -> list[Version]:
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    return [
        Version(next(iter(each.specifier)).version)
        for each, _ in lock
        if canonicalize_name(each.name) == canonicalize_name(name)
        and (each.marker is None or each.marker.evaluate(environment))
    ]


@pytest.mark.parametrize("lock_file", LOCKED_EXTRAS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_locked_to_one_version_that_is_allowed(lock_file: str, python: str) -> None:
    lock = locked(lock_file)
    for requirement in asked_for(*LOCKED_EXTRAS[lock_file]):
        versions = versions_of(requirement.name, python, lock)
        assert len(versions) == 1, f"{requirement.name}: {versions}; run `make lock`"
        assert versions[0] in requirement.specifier, f"{requirement}: {versions[0]}; run `make lock`"


@pytest.mark.parametrize("lock_file", LOCKED_EXTRAS)
def test_pip_knows_the_hash_of_all_that_it_takes(lock_file: str) -> None:
    for requirement, hashes in locked(lock_file):
        assert requirement.url is None, requirement
        assert [each.operator for each in requirement.specifier] == ["=="], requirement
        assert hashes.startswith("sha256:"), requirement


@pytest.mark.parametrize("lock_file", ["runtime.txt", "image.txt"])
def test_what_is_tested_is_what_runs(lock_file: str) -> None:
    tested, runs = (
        {(canonicalize_name(each.name), str(each.specifier)) for each, _ in locked(name)}
        for name in ("dev.txt", lock_file)
    )
    assert runs - tested == set()


def test_every_lower_bound_is_named() -> None:
    for requirement in asked_for(
        "dev", "docs", "demo", *IMAGE_EXTRAS, "sentence-transformers", "examples", "bench", "field"
    ):
        assert any(each.operator == ">=" for each in requirement.specifier), requirement
