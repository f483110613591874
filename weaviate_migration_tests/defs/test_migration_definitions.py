"""Migrations as parts of a project of others: names that clash with nothing, and nothing that is about the project."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from weaviate_migration import build_migration_definitions
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.defs.resources import BatchSettings, SQLiteSource, WeaviateServer
from weaviate_migration.mapping import read_mapping
from weaviate_migration.runs.jobs import JOBS

PREFIXES: list[dict[str, Any]] = [
    {"key_prefix": "crm", "group_prefix": "crm"},
    {"key_prefix": ["shop", "eu"], "group_prefix": "shop"},
    {},
]


@dg.asset(deps=[dg.AssetKey(["crm", "message"]), dg.AssetKey(["shop", "eu", "message"])])
def answers() -> None:
    """An asset of the project, made from collections of two migrations."""


@dg.job
def nightly() -> None:
    """A job of the project."""


class Client(dg.ConfigurableResource):  # type: ignore[type-arg]
    """As dagster-weaviate's resource: it has clients, and no more that is ours."""

    url: str = "http://localhost"

    @contextmanager
    def get_client(self) -> Any:
        yield None


def migration(folder: Path, **named: Any) -> dg.Definitions:
    return build_migration_definitions(create_migration_config("app.db", work_dir=folder), read_mapping(), **named)


def test_an_asset_says_which_rows_become_its_objects_and_in_which_tenant(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(ROWS_AND_TENANTS, encoding="utf-8")
    parts = build_migration_definitions(create_migration_config("app.db", work_dir=tmp_path), read_mapping(file))
    told = {spec.key.to_user_string(): spec.description or "" for spec in parts.resolve_all_asset_specs()}
    assert told["note"].startswith("One object for each row of notes, in the tenant that its org_id names. ")
    assert told["letter"].startswith("One object for each row of documents where kind = 'letter'. ")


ROWS_AND_TENANTS = """\
name: rows
collections:
  - {name: Note, table: notes, tenant: {column: org_id}, properties: [{name: body, column: body, index: words}]}
  - name: Letter
    table: documents
    where: kind = 'letter'
    properties: [{name: body, column: body, index: words}]
"""


def project(*parts: dg.Definitions, **more: Any) -> dg.Definitions:
    """What a project has, with an executor, a logger and resources of its own, beside these parts."""
    own = {
        "executor": dg.in_process_executor,
        "loggers": {"console": dg.json_console_logger},
        "resources": {"warehouse": Client(), "io_manager": dg.mem_io_manager},
    }
    return dg.Definitions.merge(dg.Definitions(assets=[answers], jobs=[nightly], **{**own, **more}), *parts)


def three_migrations(folder: Path) -> list[dg.Definitions]:
    return [migration(folder / str(at), **prefixes) for at, prefixes in enumerate(PREFIXES)]


def test_three_migrations_in_one_project(tmp_path: Path) -> None:
    parts = three_migrations(tmp_path)
    whole = project(*parts)
    dg.Definitions.validate_loadable(whole)
    keys = {each.key.to_user_string() for each in whole.resolve_all_asset_specs()}
    assert {"crm/message", "shop/eu/message", "message", "answers", "crm/cutover", "shop/eu/sqlite_snapshot"} <= keys
    assert len(keys) == 3 * len(list(parts[0].resolve_all_asset_specs())) + 1
    assert {f"{prefix}{job}" for prefix in ("crm_", "shop_eu_", "") for job in JOBS} <= {
        each.name for each in whole.resolve_all_job_defs()
    }
    assert {each.name for each in whole.sensors or ()} >= {"crm_change_sync_sensor", "change_sync_sensor"}
    assert list(tmp_path.iterdir()) == []


def test_groups_have_their_prefix(tmp_path: Path) -> None:
    for prefix, made in zip(["crm_", "shop_", ""], three_migrations(tmp_path), strict=True):
        groups = {spec.group_name or "" for spec in made.resolve_all_asset_specs()}
        assert {each.removeprefix(prefix) for each in groups} == {
            *("phase_1_schema", "phase_2_history", "phase_3_dual_write", "phase_4_cutover"),
            "phase_5_cleanup_and_monitoring",
        }
        assert all(each.startswith(prefix) for each in groups)


@pytest.mark.parametrize("job", sorted(JOBS))
def test_jobs_are_about_their_own_migration_alone(tmp_path: Path, job: str) -> None:
    whole = project(*three_migrations(tmp_path))
    for beginning, name in ((["crm"], f"crm_{job}"), (["shop", "eu"], f"shop_eu_{job}"), ([], job)):
        resolved = whole.resolve_job_def(name)
        keys = set(resolved.asset_layer.executable_asset_keys)
        keys |= {each.asset_key for each in resolved.asset_layer.asset_graph.asset_check_keys}
        assert keys
        assert {tuple(each.path[:-1]) for each in keys} == {tuple(beginning)}
        assert {each.name for each in resolved.nodes} == {
            "__".join([*beginning, each.name.split("__")[-1]]) for each in resolved.nodes
        }
        assert list(dg.validate_run_config(resolved, {})["execution"]) == ["multi_or_in_process_executor"]


def test_the_same_checks_with_and_without_a_prefix(tmp_path: Path) -> None:
    first, _, plain = (each.resolve_asset_graph() for each in three_migrations(tmp_path))
    prefixed = {(each.asset_key.path[-1], each.name) for each in first.asset_check_keys}
    assert prefixed == {(each.asset_key.path[-1], each.name) for each in plain.asset_check_keys}
    relations = dg.AssetCheckKey(dg.AssetKey(["crm", "message"]), "relations")
    assert dg.AssetKey(["crm", "conversation"]) in first.get(relations).parent_entity_keys


def test_the_project_keeps_what_is_its_own(tmp_path: Path) -> None:
    whole = project(*three_migrations(tmp_path))
    assert whole.executor is dg.in_process_executor
    assert whole.loggers == {"console": dg.json_console_logger}
    assert whole.resolve_job_def("nightly").executor_def is dg.in_process_executor


def test_a_schedule_for_sync_is_there_where_it_is_asked_for(tmp_path: Path) -> None:
    (schedule,) = migration(tmp_path, key_prefix="crm", sync_schedule="*/5 * * * *").schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.name, schedule.job_name, schedule.cron_schedule) == (
        "crm_sync_schedule",
        "crm_sync",
        "*/5 * * * *",
    )
    assert list(migration(tmp_path).schedules or ()) == []


@pytest.mark.parametrize("prefix", ["a b", "a/b", "a-b", "é", "a.b", ["crm", ""], ["", "crm"]])
def test_a_prefix_that_dagster_would_refuse(tmp_path: Path, prefix: str | list[str]) -> None:
    with pytest.raises(ConfigurationError, match="prefix"):
        migration(tmp_path, key_prefix=prefix)
    if isinstance(prefix, str):
        with pytest.raises(ConfigurationError, match="prefix"):
            migration(tmp_path, group_prefix=prefix)


def test_resources_of_the_project_stand_in_the_place_of_ours(tmp_path: Path) -> None:
    source, batches, server = SQLiteSource(url="their.db"), BatchSettings(batch_size=7), WeaviateServer(url="http://w")
    given = {"source": source, "batches": batches, "weaviate": server}
    job = migration(tmp_path, key_prefix="crm", resources=given).resolve_job_def("crm_migrate")
    checked = dg.validate_run_config(job, {})["resources"]
    assert checked["crm_source"]["config"]["url"] == "their.db"
    assert checked["crm_batches"]["config"]["batch_size"] == 7
    assert checked["crm_weaviate"]["config"]["url"] == "http://w"
    ours = ("work_folder", "models", "extract_storage")
    assert set(checked) == {f"crm_{each}" for each in (*given, *ours)} | {"io_manager"}


def needed_by(definitions: dg.Definitions, job: str) -> set[str]:
    """The resources that a run of the job has."""
    return set(dg.validate_run_config(definitions.resolve_job_def(job), {})["resources"])


@pytest.mark.parametrize("server", ["warehouse", Client()])
def test_a_server_may_be_known_by_its_key_or_by_its_clients(tmp_path: Path, server: object) -> None:
    part = migration(tmp_path, key_prefix="crm", resources={"weaviate": server})
    whole = project(part, migration(tmp_path / "other", key_prefix=["shop", "eu"]))
    dg.Definitions.validate_loadable(whole)
    theirs = server if isinstance(server, str) else "crm_weaviate_client"
    assert theirs in needed_by(whole, "crm_migrate")
    assert theirs not in needed_by(whole, "shop_eu_migrate")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"storage": "s3"}, "no resource 'storage'"),
        ({"weaviate": object()}, "is a object"),
        ({"source": WeaviateServer()}, "is a WeaviateServer"),
        ({"weaviate": "crm_weaviate"}, "has the key that the migration's own has"),
    ],
)
def test_a_resource_that_is_of_no_use(tmp_path: Path, given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        migration(tmp_path, key_prefix="crm", resources=given)


WATCHED_IMPORT = """
import os, sys, pathlib
asked, opened = set(), set()
class Watched(type(os.environ)):
    def __getitem__(self, name):
        asked.add(name)
        return super().__getitem__(name)
os.environ.__class__ = Watched
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        opened.add(os.path.realpath(arguments[0]))
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import weaviate_migration
for name in weaviate_migration.__all__:
    getattr(weaviate_migration, name)
from weaviate_migration import build_migration_definitions
assert os.environ.get("WEAVIATE_MIGRATION_CANARY") == "seen" and "WEAVIATE_MIGRATION_CANARY" in asked
print(sorted(each for each in asked if each.startswith("WEAVIATE_MIGRATION_") and not each.endswith("CANARY")))
package = pathlib.Path(weaviate_migration.__file__).parent
data = [each for each in opened if pathlib.Path(each).is_relative_to(package) and not each.endswith((".py", ".pyc"))]
there = [each for each in opened if pathlib.Path(each).is_relative_to(os.getcwd()) and os.path.isfile(each)]
print(data, there)
"""


def test_importing_the_package_reads_neither_environment_nor_files(tmp_path: Path) -> None:
    """Of ours: no setting, none of the package's data, nothing in the folder that a program is started in."""
    (tmp_path / "dagster.yaml").write_text("nothing: of interest", encoding="utf-8")
    root = str(Path(__file__).parents[2])
    told = subprocess.run(
        [sys.executable, "-c", WATCHED_IMPORT],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": root, "WEAVIATE_MIGRATION_CANARY": "seen"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (told.returncode, told.stdout) == (0, "[]\n[] []\n"), told.stderr
