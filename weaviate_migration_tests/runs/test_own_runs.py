"""Which runs are a migration's, in an instance where a project has others."""

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest

from weaviate_migration.mapping import read_mapping
from weaviate_migration.runs.jobs import JOBS
from weaviate_migration.runs.names import DagsterNames
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.runner import (
    MACHINE_TAG,
    PROCESS_TAG,
    WORK_DIR_TAG,
    dagster_instance,
    end_killed_runs,
    was_killed,
)

WORK_DIR = Path("/data/crm")
OURS = {WORK_DIR_TAG: str(WORK_DIR)}
OF_ANOTHER = {WORK_DIR_TAG: "/data/shop"}
CRM, PLAIN = DagsterNames.prefixed("crm", ""), DagsterNames()
NOTE = read_mapping().collections[0].asset_name


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dagster_instance(tmp_path) as instance:
        yield instance


def run(job: str, **more: Any) -> dg.DagsterRun:
    return dg.DagsterRun(job_name=job, run_id=str(uuid4()), **more)


def own(names: DagsterNames) -> OwnRuns:
    return OwnRuns.of(read_mapping(), names, WORK_DIR)


def chosen(*keys: dg.AssetKey) -> dict[str, Any]:
    return {"asset_selection": frozenset(keys)}


CHECK = dg.AssetCheckKey(CRM.asset(NOTE), "count")


@pytest.mark.parametrize(
    ("names", "found", "is_own"),
    [
        *((CRM, run(f"crm_{job}", tags=OURS), True) for job in sorted(JOBS)),
        *((CRM, run(f"crm_{job}", tags=OF_ANOTHER), False) for job in sorted(JOBS)),
        *((CRM, run(job), False) for job in sorted(JOBS)),
        (CRM, run("crm_nightly"), False),
        (CRM, run("crm"), False),
        (CRM, run("__ASSET_JOB", **chosen(CRM.asset(NOTE))), True),
        (CRM, run("__ASSET_JOB", **chosen(CRM.asset(NOTE), dg.AssetKey("theirs"))), True),
        (CRM, run("__ASSET_JOB", **chosen(CRM.asset("dry_run_report"))), True),
        (CRM, run("__ASSET_JOB", **chosen(dg.AssetKey(NOTE))), False),
        (CRM, run("__ASSET_JOB", **chosen(dg.AssetKey(["shop", NOTE]))), False),
        (CRM, run("__ASSET_JOB"), False),
        (CRM, run("__ASSET_JOB", asset_selection=frozenset(), asset_check_selection=frozenset({CHECK})), True),
        (PLAIN, run("__ASSET_JOB", asset_selection=frozenset(), asset_check_selection=frozenset({CHECK})), False),
        # Of the version before, and of one that somebody began with chosen assets of a job.
        (PLAIN, run("migrate"), True),
        (PLAIN, run("migrate", **chosen(PLAIN.asset(NOTE))), True),
        (PLAIN, run("migrate", **chosen(dg.AssetKey("theirs"))), False),
        (PLAIN, run("migrate", tags=OF_ANOTHER), False),
    ],
)
def test_a_run_is_own_or_not(names: DagsterNames, found: dg.DagsterRun, is_own: bool) -> None:
    assert own(names).has(found) == is_own


def test_the_newest_is_found_among_many_of_others(instance: dg.DagsterInstance) -> None:
    ours = run_on_record(instance, **chosen(CRM.asset(NOTE)))
    for _ in range(120):
        run_on_record(instance, **chosen(dg.AssetKey("theirs")))
    found = own(CRM).newest(instance, dg.RunsFilter(job_name="__ASSET_JOB"))
    assert [each.dagster_run.run_id for each in found] == [ours]


def test_those_under_way_are_own_and_have_not_ended(instance: dg.DagsterInstance) -> None:
    started = {"status": dg.DagsterRunStatus.STARTED}
    run_on_record(instance, "sync", **started)
    run_on_record(instance, "crm_sync", **started, tags=OF_ANOTHER)
    run_on_record(instance, "crm_sync", tags=OURS, status=dg.DagsterRunStatus.SUCCESS)
    ours = [run_on_record(instance, name, **started, tags=OURS) for name in ("crm_migrate", "crm_sync")]
    assert [each.run_id for each in own(CRM).under_way(instance)] == ours[::-1]


def run_on_record(instance: dg.DagsterInstance, job: str = "__ASSET_JOB", **more: Any) -> str:
    made = run(job, **more)
    instance.add_run(made)
    return made.run_id


GONE = {PROCESS_TAG: "4194305@1.00"}  # No process has such a number.


@pytest.mark.parametrize(
    ("tags", "killed"),
    [
        ({}, False),
        (GONE, True),
        (GONE | {MACHINE_TAG: platform.node()}, True),
        (GONE | {MACHINE_TAG: "another machine"}, False),
    ],
)
def test_a_run_of_another_machine_is_not_judged_by_the_processes_of_this_one(
    instance: dg.DagsterInstance, tags: dict[str, str], killed: bool
) -> None:
    begun = run("migrate", tags=tags, status=dg.DagsterRunStatus.STARTED)
    instance.add_run(begun)
    assert was_killed(begun) == killed
    assert end_killed_runs(instance) == ([begun.run_id] if killed else [])
