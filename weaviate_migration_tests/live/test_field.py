"""Files that applications made with their own packages: each is migrated as it is, by the mapping that `init` draws.

`FIELD_APPLICATIONS=all`, as `make field` has it, takes all of them; otherwise those that need no further package.
"""

import ast
import os
from pathlib import Path

import pytest
import weaviate
import yaml

from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.documentation import first_column
from weaviate_migration_tests.field import comparison
from weaviate_migration_tests.field.applications import APPLICATIONS, Application
from weaviate_migration_tests.field.comparison import Comparison, compare
from weaviate_migration_tests.live.command_line import Ended, at, run_here

TAKEN = [each for each in APPLICATIONS if each.is_light or os.environ.get("FIELD_APPLICATIONS") == "all"]


@pytest.fixture(params=TAKEN, ids=lambda each: each.name)
def application(request: pytest.FixtureRequest) -> Application:
    assert isinstance(request.param, Application)
    return request.param


class Migration:
    """A file on its way, by commands only."""

    def __init__(self, file: Path, folder: Path, server: ServerAddress) -> None:
        self.file, self.mapping = file, folder / "mapping.yaml"
        self._work = ("--work-dir", folder / "work")
        self._server = server

    def run(self, command: str, *options: object) -> Ended:
        ended = run_here(command, *options, *at(self._server), *self._work, "--json")
        assert ended.code == 0, ended.stderr
        return ended

    def draw(self) -> None:
        ended = run_here("init", "--sqlite-url", self.file, "--output", self.mapping)
        assert ended.code == 0, ended.stderr

    def migrate(self, *options: object) -> Ended:
        return self.run("migrate", "--sqlite-url", self.file, "--mapping", self.mapping, *options)

    def compare(self) -> Comparison:
        mapping = yaml.safe_load(self.mapping.read_text(encoding="utf-8"))
        return compare(self.file, mapping, f"http://{self._server.host}:{self._server.http_port}")


@pytest.mark.timeout(1800)  # MLflow has 64 tables, and each is migrated, compared and verified twice.
def test_the_file_is_migrated_as_it_is_and_followed(
    application: Application,
    client: weaviate.WeaviateClient,  # noqa: ARG001 - an empty server
    server: ServerAddress,
    tmp_path: Path,
) -> None:
    migration = Migration(application.make(tmp_path / "application"), tmp_path, server)
    migration.draw()
    migrated = migration.migrate().json
    assert_nothing_differs(migration.compare())
    migration.run("verify")

    followed = migration.migrate("--live").json
    application.write_more(migration.file)
    assert migration.compare().differences != [], "the comparison does not see what the application wrote"
    migration.run("sync")
    after = migration.compare()
    assert {each.split(":")[0] for each in after.differences} <= not_followed(followed["warnings"])
    if after.differences:
        migration.run("verify", "--repair")
        assert_nothing_differs(migration.compare())
    assert sum(each["failed"] for result in (migrated, followed) for each in result["collections"].values()) == 0
    print_for_the_docs(application, after)


def assert_nothing_differs(compared: Comparison) -> None:
    assert compared.differences == []
    assert sum(compared.rows.values()) > 0


def not_followed(warnings: list[str]) -> set[str]:
    """The tables without a key, as the warnings of a migration name them."""
    return {each.split("`")[1] for each in warnings if "cannot be followed" in each}


def print_for_the_docs(application: Application, compared: Comparison) -> None:
    """`make field` shows it: docs/init.md has these figures."""
    print(f"{application.title}: {len(compared.rows)} tables, {sum(compared.rows.values())} rows; {compared.left_out}")


def test_the_docs_name_each_file() -> None:
    assert first_column("init.md", "application") == [each.title for each in APPLICATIONS]


def test_the_comparison_shares_no_code_with_the_product() -> None:
    tree = ast.parse(Path(comparison.__file__).read_text(encoding="utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imported
    assert [ast.unparse(each) for each in imported if "weaviate_migration" in ast.unparse(each)] == []
