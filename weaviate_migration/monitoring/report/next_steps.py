"""What is to be done next."""

from collections.abc import Iterator

from weaviate_migration.monitoring.report.facts import MigrationReport, NextStep
from weaviate_migration.work_folder.phase import Phase, next_step

OPERATOR = "Operator"
DATA = "Owner of the data"
APPLICATION = "Owner of the application"


def next_steps(report: MigrationReport) -> Iterator[NextStep]:
    """In the order in which they should be done."""
    yield from _failed(report)
    for each in report.quarantine:
        yield NextStep(
            OPERATOR,
            f"{each.rows:,} rows of {each.alias} are in the quarantine ({each.category}): once the cause is gone, "
            "`weaviate-migration quarantine retry` sends them again; `quarantine list` names them.",
        )
    proven = report.checks.success and not report.quarantine
    yield NextStep(OPERATOR, next_step(report.phase, proven=proven))
    if report.phase is Phase.CUT_OVER:
        yield from _after_the_switch(report)
    yield from _orphans(report)
    yield from _told_elsewhere(report)


def _failed(report: MigrationReport) -> Iterator[NextStep]:
    """What stopped the last run, if something did."""
    if report.runs and report.failures and report.failures[-1].run_id == report.runs[-1].run_id:
        last = report.failures[-1]
        if last.is_check:  # What it is about is told below.
            return
        yield NextStep(OPERATOR, f"Mend what stopped `{last.step}` ({last.category}): {last.message}")


def _after_the_switch(report: MigrationReport) -> Iterator[NextStep]:
    record = report.record
    if record is None or record.snapshot is None:
        return
    if record.snapshot.captured is None:
        yield NextStep(
            APPLICATION,
            "What was changed after the snapshot is not in Weaviate: stop writing to SQLite before a migration, or use "
            "`migrate --live`.",
        )
    else:
        yield NextStep(
            APPLICATION,
            "Let `weaviate-migration sync --follow` run until the application writes to Weaviate itself.",
        )


def _orphans(report: MigrationReport) -> Iterator[NextStep]:
    for table in report.audit["tables"] if report.audit else ():
        for orphan in (each for each in table["orphans"] if each["count"]):
            yield NextStep(
                DATA,
                f"{orphan['count']:,} rows of {table['table']} name a parent in {orphan['to_table']} that does not "
                f"exist ({orphan['column']}): decide whether they are right. They are objects without a parent.",
            )


def _told_elsewhere(report: MigrationReport) -> Iterator[NextStep]:
    """What checklists and alerts say."""
    for checklist in report.checklists:
        for item in (*checklist.having("failed"), *checklist.having("warned")):
            if item.remedy:
                yield NextStep(OPERATOR, f"{checklist.kind}, {item.name}: {item.figure}. {item.remedy}")
    for incident in report.incidents:
        yield NextStep(OPERATOR, f"An alert is open: {incident.title}")
