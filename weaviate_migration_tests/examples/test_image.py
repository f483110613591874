"""The Dockerfile: what a linter says of it, what it copies, and what it promises of users and settings."""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
import yaml
from dockerfile_parse import DockerfileParser

from weaviate_migration_tests.examples.commands import refuse_wrong_settings, refuse_wrong_words
from weaviate_migration_tests.installed_package import BIN, CHECKOUT
from weaviate_migration_tests.test_locked_versions import IMAGE_EXTRAS

DOCKERFILE = CHECKOUT / "Dockerfile"
IGNORED = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").splitlines()
PARSED = DockerfileParser(str(DOCKERFILE))
INSTRUCTIONS = [(each["instruction"], each["value"]) for each in PARSED.structure]
LAST_STAGE = INSTRUCTIONS[max(number for number, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]


def lint(text: str, tmp_path: Path) -> str:
    file = tmp_path / "Dockerfile"
    file.write_text(text, encoding="utf-8")
    ended = subprocess.run([BIN / "hadolint", file], capture_output=True, text=True, timeout=60, check=False)
    return ended.stdout


def values(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [value for name, value in stage if name == instruction]


def test_the_linter_finds_nothing(tmp_path: Path) -> None:
    assert lint(DOCKERFILE.read_text(encoding="utf-8"), tmp_path) == ""


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    assert "DL3002" in lint(DOCKERFILE.read_text(encoding="utf-8").replace("USER 10001:10001", "USER root"), tmp_path)


def test_it_runs_as_nobody_who_may_do_more() -> None:
    *_, user = values(LAST_STAGE, "USER")
    assert [int(each) for each in user.split(":")] == [10001, 10001]  # Kubernetes judges numbers, not names.
    assert not [each for each in values(LAST_STAGE, "RUN") if "sudo" in each or "setcap" in each]


def test_dagster_starts_commands_of_its_own_in_it() -> None:
    assert values(LAST_STAGE, "ENTRYPOINT") == []
    (command,) = values(LAST_STAGE, "CMD")
    assert yaml.safe_load(command) == ["weaviate-migration", "--help"]


def test_nothing_is_fetched_but_packages_and_those_that_run_by_their_hash() -> None:
    fetched = [each for each in values(INSTRUCTIONS, "RUN") if re.search(r"\bpip\b|https?:|curl|wget|apt|git\b", each)]
    packages, own = fetched
    assert "install --no-cache-dir --require-hashes --requirement requirements/image.txt" in packages
    assert own.endswith("install --no-cache-dir --no-deps .")
    assert values(INSTRUCTIONS, "ADD") == []


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = {each.removeprefix("!") for each in IGNORED if each.startswith("!")}
    copied = {
        source
        for each in values(INSTRUCTIONS, "COPY")
        if not each.startswith("--from=")
        for source in each.split()[:-1]
    }
    assert copied == kept
    assert [each for each in sorted(copied) if not (CHECKOUT / each).exists()] == []


def test_its_variables_are_settings() -> None:
    environment = dict(PARSED.envs)
    refuse_wrong_settings({**environment, "WEAVIATE_MIGRATION_SQLITE_URL": "app.db"})
    folders = {environment["DAGSTER_HOME"], environment["WEAVIATE_MIGRATION_WORK_DIR"]}
    assert {str(PurePosixPath(each).parent) for each in folders} == {"/data"}
    (made,) = [each for each in values(LAST_STAGE, "RUN") if "install --directory" in each]
    assert environment["DAGSTER_HOME"] in made.split()


def test_its_lock_has_the_extras_that_the_makefile_names() -> None:
    (line,) = re.findall(r"^IMAGE := (.*)$", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert tuple(line.split()) == IMAGE_EXTRAS


@pytest.mark.parametrize(
    "words", [["weaviate-migration", "migrat"], ["dagster", "api", "grpc", "--prt", "1"], ["dagster-daemon", "walk"]]
)
def test_words_that_no_program_knows_are_refused(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"No such (command|option)"):
        refuse_wrong_words(words)
