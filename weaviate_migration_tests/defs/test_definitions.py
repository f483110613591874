"""What Dagster loads: complete, without an environment and without a warning."""

import ast
import json
import keyword
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.utils import DISALLOWED_NAMES

import weaviate_migration
from weaviate_migration.base.partitions import DEFAULT_PARTITIONS
from weaviate_migration.base.settings import create_migration_config
from weaviate_migration.definitions import defs
from weaviate_migration.defs.build import asset_graph, build_definitions
from weaviate_migration.mapping import CollectionMapping, read_mapping
from weaviate_migration.mapping.asset_names import CHECKS, RELATIONS, RESERVED_BY_DAGSTER, RESERVED_BY_US
from weaviate_migration.runs.executors import own_executor
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration_tests.partition_keys import PARTITION_KEYS

COLLECTIONS = [each.asset_name for each in read_mapping().collections]
EXTRACTS = [each.extract_name for each in read_mapping().collections]
ASSETS = [
    *("change_capture", "source_audit", "weaviate_schema", "sqlite_snapshot", *EXTRACTS, *COLLECTIONS),
    *("change_sync", "cutover", "migration_report", "dry_run_report"),
]

GROUPS = [
    "phase_1_schema",
    "phase_2_history",
    "phase_3_dual_write",
    "phase_4_cutover",
    "phase_5_cleanup_and_monitoring",
]
JOBS = ["migrate", "migrate_live", "sync", "verify", "verify_live", "cut_over", "dry_run"]
# Dagster's own: it describes them itself, or not.
OF_DAGSTER = {"io_manager", "console"}


def spec_of(asset: str) -> dg.AssetSpec:
    (spec,) = [each for each in defs.resolve_all_asset_specs() if each.key == dg.AssetKey(asset)]
    return spec


def test_load_without_an_environment_and_without_a_warning(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import weaviate_migration.definitions"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(weaviate_migration.__file__).parents[1])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (loaded.returncode, loaded.stdout, loaded.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_graph_is_made_once_and_is_that_of_the_definitions() -> None:
    graph, of_definitions = asset_graph(read_mapping(), DagsterNames(), DEFAULT_PARTITIONS), defs.resolve_asset_graph()
    assert asset_graph(read_mapping(), DagsterNames(), DEFAULT_PARTITIONS) is graph
    assert graph.get_all_asset_keys() == of_definitions.get_all_asset_keys()
    assert graph.asset_check_keys == of_definitions.asset_check_keys


def test_assets() -> None:
    assert sorted(each.key.to_user_string() for each in defs.resolve_all_asset_specs()) == sorted(ASSETS)


@pytest.mark.parametrize("asset", ASSETS)
def test_asset_says_what_it_is(asset: str) -> None:
    spec = spec_of(asset)
    assert spec.group_name in GROUPS
    assert spec.tags["stage"]
    assert spec.kinds
    assert list(spec.owners) == ["team:data-platform"]
    assert len(spec.description or "") > 50


def test_phases_follow_each_other() -> None:
    """The UI draws the groups as boxes: an arrow back to an earlier phase would be a circle."""
    phase = {spec.key: GROUPS.index(spec.group_name or "") for spec in defs.resolve_all_asset_specs()}
    edges = [(dep.asset_key, spec.key) for spec in defs.resolve_all_asset_specs() for dep in spec.deps]
    assert len(edges) > len(phase)
    assert [(parent, child) for parent, child in edges if phase[parent] > phase[child]] == []


@pytest.mark.parametrize("asset", [*EXTRACTS, *COLLECTIONS])
def test_extracts_and_collections_have_the_same_partitions(asset: str) -> None:
    partitions = spec_of(asset).partitions_def
    assert isinstance(partitions, dg.StaticPartitionsDefinition)
    assert partitions.get_partition_keys() == list(PARTITION_KEYS)


@pytest.mark.parametrize("collection", read_mapping().collections, ids=lambda each: each.name)
def test_collection_has_its_columns(collection: CollectionMapping) -> None:
    schema = spec_of(collection.asset_name).metadata["dagster/column_schema"]
    names = [column.name for column in schema.columns]
    assert names == [*(prop.name for prop in collection.properties), collection.provenance]
    assert all(column.type and column.description for column in schema.columns)


@pytest.mark.parametrize("collection", read_mapping().collections, ids=lambda each: each.name)
def test_collection_has_its_blocking_checks(collection: CollectionMapping) -> None:
    specs = {
        spec.name: spec
        for checks in defs.asset_checks or ()
        for spec in checks.check_specs
        if spec.asset_key == dg.AssetKey(collection.asset_name)
    }
    expected = {"count", "every_object", "uuids", "types", "sample", "search"}
    assert set(specs) == expected | ({"relations"} if collection.relations else set())
    assert all(spec.blocking for spec in specs.values())
    assert all("If it fails: " in (spec.description or "") for spec in specs.values())
    partitioned = {name for name, spec in specs.items() if spec.partitions_def is not None}
    assert partitioned == {"count", "every_object"}


def test_checks_of_relations_wait_for_the_parents() -> None:
    graph = defs.resolve_asset_graph()
    relations = graph.get(dg.AssetCheckKey(dg.AssetKey("message"), "relations"))
    assert dg.AssetKey("conversation") in relations.parent_entity_keys


def test_capture_and_then_the_audit_are_before_everything() -> None:
    graph = defs.resolve_asset_graph()
    capture, audit = dg.AssetKey("change_capture"), dg.AssetKey("source_audit")
    assert graph.get(capture).parent_keys == set()
    assert graph.get(audit).parent_keys == {capture}
    assert graph.get(dg.AssetKey("weaviate_schema")).parent_keys == {audit}
    (check,) = spec_of_checks("source_audit")
    assert (check.name, check.blocking, bool(check.description)) == ("writable", True, True)


@pytest.mark.parametrize(("job", "live"), [("migrate", False), ("migrate_live", True)])
def test_only_a_live_migration_touches_the_source(job: str, live: bool) -> None:
    selected = defs.resolve_job_def(job).asset_layer.executable_asset_keys
    assert ({dg.AssetKey("change_capture"), dg.AssetKey("change_sync")} <= set(selected)) == live
    assert dg.AssetKey("cutover") in selected


def spec_of_checks(asset: str) -> list[dg.AssetCheckSpec]:
    key = dg.AssetKey(asset)
    return [
        spec for each in defs.resolve_asset_graph().assets_defs for spec in each.check_specs if spec.asset_key == key
    ]


def test_jobs() -> None:
    migrate, dry_run = defs.resolve_job_def("migrate"), defs.resolve_job_def("dry_run")
    assert {node.name for node in dry_run.nodes} == {"dry_run_report"}
    assert {"source_audit", "weaviate_schema", "cutover", *COLLECTIONS} <= {node.name for node in migrate.nodes}
    assert "dry_run_report" not in {node.name for node in migrate.nodes}


@pytest.mark.parametrize("job", JOBS)
def test_job_needs_no_config(job: str) -> None:
    """What the launchpad opens with is enough, and the steps share the run's process: its server, and its memory."""
    checked = dg.validate_run_config(defs.resolve_job_def(job), {})
    assert list(checked["execution"]["multi_or_in_process_executor"]) == ["in_process"]
    assert len(defs.resolve_job_def(job).description or "") > 50


@pytest.mark.parametrize("job", JOBS)
def test_every_field_of_a_config_is_described(job: str) -> None:
    schema: Any = defs.resolve_job_def(job).run_config_schema.config_type
    fields = {
        f"{section}.{name}.{field}": (chosen.description, chosen.is_required)
        for section in ("ops", "resources", "loggers")
        for name, part in schema.fields[section].config_type.fields.items()
        if name not in OF_DAGSTER
        for field, chosen in fields_of(part.config_type.fields["config"].config_type).items()
    }
    assert {"resources.batches.batch_size", "resources.weaviate.url", "loggers.records.level"} <= set(fields)
    assert [name for name, (description, is_required) in fields.items() if is_required or not description] == []


def fields_of(config_type: Any) -> dict[str, Any]:
    return getattr(config_type, "fields", {})


def test_parallel_is_what_the_ui_runs_by_default_then_too(tmp_path: Path) -> None:
    config = create_migration_config(
        "app.db",
        weaviate_url="http://localhost:8080",
        enable_parallel_processing=True,
        worker_count=6,
        work_dir=tmp_path,
    )
    checked = dg.validate_run_config(build_definitions(config).resolve_job_def("migrate"), {})
    (executor,) = checked["execution"].values()
    assert executor["multiprocess"]["max_concurrent"] == 6
    assert checked["resources"]["batches"]["config"]["worker_count"] == 1


def definitions_of(collections: list[dict[str, Any]], folder: Path) -> dg.Definitions:
    file = folder / "mapping.yaml"
    properties = [{"name": "a", "column": "a", "index": "whole"}]
    whole = {"name": "names", "collections": [{"properties": properties, **each} for each in collections]}
    file.write_text(json.dumps(whole), encoding="utf-8")
    return build_definitions(create_migration_config("app.db", mapping=file, work_dir=folder))


def test_what_dagster_reserves() -> None:
    assert set(DISALLOWED_NAMES) - set(keyword.kwlist) == RESERVED_BY_DAGSTER


def test_what_we_reserve() -> None:
    """All steps of the shipped mapping's jobs, and the jobs, but for those that a collection brings."""
    steps = {node.name for job in JOBS for node in defs.resolve_job_def(job).nodes}
    of_collections = {*EXTRACTS, *(f"{name}{end}" for name in COLLECTIONS for end in ("", CHECKS, RELATIONS))}
    assert {*JOBS, *steps - of_collections} == RESERVED_BY_US


def test_any_name_makes_definitions(tmp_path: Path) -> None:
    """Whatever Dagster, Python or we call something, and what ends as our steps, checks and extracts do."""
    resources = {*defs.resolve_job_def("migrate").resource_defs, *(each.name for each in defs.sensors or ())}
    checks = {spec.name for each in defs.asset_checks or () for spec in each.check_specs}
    words = {*DISALLOWED_NAMES, *JOBS, *ASSETS, *resources, *checks, "result", "extract", "self", "note"}
    words |= {f"{word}{end}" for word in ("config", "note", "count") for end in (CHECKS, RELATIONS, "_extract")}
    names = sorted({word.lower() for word in words})
    collections = [
        {
            "name": name.capitalize(),
            "table": name,
            "relations": [{"column": "a", "to_table": to} for to in (name, names[at - 1])],
        }
        for at, name in enumerate(names)
        if name[0].isalpha()
    ]
    made = definitions_of(collections, tmp_path)
    assert [made.resolve_job_def(job).name for job in JOBS] == JOBS
    assert len(made.resolve_all_asset_specs()) == len(ASSETS) - len(EXTRACTS + COLLECTIONS) + 2 * len(collections)


def test_names_of_any_length_make_definitions(tmp_path: Path) -> None:
    collections = [{"name": ("Ab" * 100)[:length], "table": "x" * length} for length in (1, 150, 199, 200)]
    collections.append({"name": "Other", "table": "y" * 10_000})
    assert definitions_of(collections, tmp_path).resolve_job_def("migrate").name == "migrate"


def test_relations_around_a_circle_are_one_step_that_waits_for_all(tmp_path: Path) -> None:
    edges = {"A": ["b", "a"], "B": ["a"], "C": ["a"]}
    job = definitions_of(
        [
            {"name": name, "table": name.lower(), "relations": [{"column": "a", "to_table": to} for to in parents]}
            for name, parents in edges.items()
        ],
        tmp_path,
    ).resolve_job_def("migrate")
    nodes = {node.name for node in job.nodes}
    assert {"a_relations", "c_relations"} <= nodes
    assert "b_relations" not in nodes
    upstream = {
        name: {output.node_name for output in job.dependency_structure.all_upstream_outputs_from_node(name)}
        for name in ("a_relations", "c_relations")
    }
    assert {"a", "b", "sqlite_snapshot"} <= upstream["a_relations"]
    assert {"a", "c", "a_relations", "a_checks"} <= upstream["c_relations"]
    alone = dg.AssetCheckKey(dg.AssetKey("b"), "relations")
    subset = job.get_subset(asset_selection=set(), asset_check_selection={alone})
    assert {node.name for node in subset.nodes} == {"a_relations"}


def test_resources_are_described() -> None:
    resources = defs.resolve_job_def("migrate").resource_defs
    assert {"source", "weaviate", "batches", "work_folder", "extract_storage"} <= set(resources)
    assert [name for name, each in resources.items() if not each.description] == []


def test_ctrl_c_does_not_end_the_process_that_steps_are_forked_from_while_it_imports(tmp_path: Path) -> None:
    config = create_migration_config(
        "app.db", weaviate_url="http://localhost:8080", enable_parallel_processing=True, work_dir=tmp_path
    )
    first, *_ = own_executor(config).config["start_method"]["forkserver"]["preload_modules"]
    interrupted = f"import os, signal, {first}; os.kill(os.getpid(), signal.SIGINT); print('still there')"
    assert subprocess.run([sys.executable, "-c", interrupted], capture_output=True, check=True).stdout


def test_private_names_of_dagster_sit_in_one_place_each() -> None:
    """Outside of `runs/`, which stores what Dagster's own storages do; CONTRIBUTING names each place."""
    package = Path(weaviate_migration.__file__).parent
    found: dict[str, set[str]] = {}
    for path in package.rglob("*.py"):
        place = path.relative_to(package).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster._"):
                for name in node.names:
                    found.setdefault(f"{node.module}.{name.name}", set()).add(place)
    outside = {name: places for name, places in found.items() if any(not each.startswith("runs/") for each in places)}
    assert {name: places for name, places in outside.items() if len(places) > 1} == {}
    told = (package.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [place for places in outside.values() for place in places if f"`{place}`" not in told] == []
    assert "defs/jobs.py" in {place for places in outside.values() for place in places}
