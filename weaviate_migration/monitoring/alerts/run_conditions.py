"""What of runs and checks somebody is called for: read from Dagster's storage, for its sensors and for commands."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

import dagster as dg

from weaviate_migration.base.texts import printable
from weaviate_migration.monitoring.alerts.conditions import Condition, Judgement, Kind
from weaviate_migration.monitoring.alerts.under_way import CUTOVER, MIGRATE, SYNC, VERIFY
from weaviate_migration.monitoring.alerts.watch import run_failed
from weaviate_migration.runs.checks import AssetGraph, CheckGroup, CheckReport, CheckStatus, check_report
from weaviate_migration.runs.events import run_failures, was_interrupted
from weaviate_migration.runs.jobs import CUT_OVER, DRY_RUN, MIGRATE_LIVE, VERIFY_LIVE
from weaviate_migration.runs.jobs import MIGRATE as MIGRATE_JOB
from weaviate_migration.runs.jobs import SYNC as SYNC_JOB
from weaviate_migration.runs.jobs import VERIFY as VERIFY_JOB
from weaviate_migration.runs.own_runs import OwnRuns
from weaviate_migration.runs.runner import was_killed

# The command that does what a job does; a failure of one is over when the other succeeds.
COMMAND_OF = {
    MIGRATE_JOB: MIGRATE,
    MIGRATE_LIVE: MIGRATE,
    VERIFY_JOB: VERIFY,
    VERIFY_LIVE: VERIFY,
    SYNC_JOB: SYNC,
    CUT_OVER: CUTOVER,
}
# Assets that were chosen in the UI: a run without a job of ours.
MATERIALIZATION = "materialization"
SHOWN_CHECKS = 5
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def judge_run(instance: dg.DagsterInstance, graph: AssetGraph, own: OwnRuns, run: dg.DagsterRun) -> Judgement:
    """What a run that has ended, or was killed, came to, and what all checks say by now."""
    return _fate(instance, own, run) + judge_checks(check_report(instance, graph))


def command_of(own: OwnRuns, run: dg.DagsterRun) -> str:
    """The command that does what the run does: `migrate`; or `materialization` of single assets."""
    return COMMAND_OF.get(own.job_of(run) or "", MATERIALIZATION)


def concerns_us(own: OwnRuns, run: dg.DagsterRun) -> bool:
    """Whether it is a run of one of our jobs or assets: an instance may have others. A dry run calls nobody."""
    return own.has(run) and own.job_of(run) != DRY_RUN


def judge_checks(report: CheckReport) -> Judgement:
    """What the checks say, asset by asset; what is being checked, or was loaded again, is neither bad nor mended."""
    of_asset: dict[str, list[CheckGroup]] = defaultdict(list)
    for group in report.not_passed:
        of_asset[group.asset].append(group)
    unsettled = {
        each.asset for each in report.outcomes if each.status in (CheckStatus.RUNNING, CheckStatus.OUT_OF_DATE)
    }
    settled = {each.asset for each in report.outcomes} - unsettled
    found = [condition for asset, groups in of_asset.items() for condition in _bad_checks(asset, groups)]
    keys = {(kind, asset) for kind in (Kind.CHECK_FAILED, Kind.CHECK_WARNED) for asset in settled}
    never_ran = _never_ran(report)
    kinds = frozenset() if unsettled else frozenset({Kind.CHECK_NEVER_RAN})
    return Judgement((*found, *never_ran), kinds, frozenset(keys))


def _fate(instance: dg.DagsterInstance, own: OwnRuns, run: dg.DagsterRun) -> Judgement:
    """Whether the run failed. One that only checks stopped is told by them; the person who pressed Ctrl-C knows."""
    if _is_superseded(instance, own, run):
        return Judgement()
    name = command_of(own, run)
    over = {(Kind.RUN_FAILED, name)} | ({(Kind.RUN_FAILED, MATERIALIZATION)} if name == MIGRATE else set())
    if run.is_success:
        return Judgement(keys=frozenset(over))
    events = [entry.get_dagster_event() for entry in instance.all_logs(run.run_id) if entry.is_dagster_event]
    failures = run_failures(events)
    if was_interrupted(events) or run.status is dg.DagsterRunStatus.CANCELED:
        return Judgement()
    if failures and all(each.is_failed_check for each in failures):
        return Judgement(keys=frozenset(over))
    reasons = [f"{each.step}: {each.message}" for each in failures if not each.is_failed_check]
    if not reasons:
        reasons = ["Its process is gone: it was killed." if was_killed(run) else "It ended before its first step."]
    told = "\n".join([*dict.fromkeys(reasons), f"Run {run.run_id}; the same command goes on with what is left."])
    return Judgement((run_failed(name, f"The run of `{run.job_name}` failed", printable(told)),))


def _is_superseded(instance: dg.DagsterInstance, own: OwnRuns, run: dg.DagsterRun) -> bool:
    """Whether another run, that does the same, has begun later and ended: sensors may see the two in any order."""
    same = command_of(own, run)
    jobs = [own.names.of(job) for job, command in COMMAND_OF.items() if command == same] or [run.job_name]
    ended = [dg.RunsFilter(job_name=job, statuses=FINISHED) for job in jobs]
    newest = [record for each in ended for record in islice(own.newest(instance, each), 1)]
    this = instance.get_run_record_by_id(run.run_id)
    return this is not None and any(record.create_timestamp > this.create_timestamp for record in newest)


def _bad_checks(asset: str, groups: Iterable[CheckGroup]) -> Iterable[Condition]:
    """The conditions of one asset: its checks that failed, and those that warn."""
    kinds: dict[Kind, list[CheckGroup]] = defaultdict(list)
    for group in groups:
        worst = group.worst
        if worst.status is CheckStatus.FAILED and worst.blocking:
            kinds[Kind.CHECK_FAILED].append(group)
        elif worst.status in (CheckStatus.FAILED, CheckStatus.WARNED):
            kinds[Kind.CHECK_WARNED].append(group)
    if failed := kinds[Kind.CHECK_FAILED]:
        hint = "`weaviate-migration checks` shows all, `weaviate-migration verify --repair` mends what differs."
        yield Condition(
            Kind.CHECK_FAILED, f"Checks of `{asset}` failed", f"{_worst_descriptions(failed)}\n{hint}", asset
        )
    if warned := kinds[Kind.CHECK_WARNED]:
        title = f"Checks of `{asset}` warn"
        yield Condition(
            Kind.CHECK_WARNED, title, f"{_worst_descriptions(warned)}\nNothing is stopped by it.", asset, "warning"
        )


def _never_ran(report: CheckReport) -> list[Condition]:
    """One condition for all checks that a run planned, and that never ran: they have one cause, as a rule."""
    groups = [
        group for group in report.not_passed if group.worst.status is CheckStatus.NEVER_RAN and group.worst.run_id
    ]
    if not groups:
        return []
    number = sum(len(group.outcomes) for group in groups)
    hint = "`weaviate-migration verify` runs them."
    return [
        Condition(Kind.CHECK_NEVER_RAN, f"{number} planned checks never ran", f"{_worst_descriptions(groups)}\n{hint}")
    ]


def _worst_descriptions(groups: Sequence[CheckGroup]) -> str:
    lines = [f"{group.where}: {group.worst.description}" for group in groups[:SHOWN_CHECKS]]
    if len(groups) > SHOWN_CHECKS:
        lines.append(f"and {len(groups) - SHOWN_CHECKS} more")
    return printable("\n".join(lines))
