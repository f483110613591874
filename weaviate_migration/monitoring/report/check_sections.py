"""The sections on what was proven: checks, certificate, checklists."""

from collections.abc import Iterator, Mapping
from typing import Any

from weaviate_migration.base.texts import counted
from weaviate_migration.monitoring.report.document import Cell, Section, Table, Verdict, shown
from weaviate_migration.monitoring.report.facts import MigrationReport
from weaviate_migration.runs.checks import CheckGroup, CheckStatus
from weaviate_migration.runs.checks.outcomes import is_table

# Of what did not pass, so many checks and differences; `checks --json` and `verify --json` have more.
_SHOWN_CHECKS = 20
_SHOWN_ROWS = 10
# Of the tenants of a collection; the certificate has all.
_SHOWN_TENANTS = 20
# It chooses the sample, and counts nothing.
_NO_FIGURE = frozenset({"seed"})


def checks_section(report: MigrationReport) -> Section:
    """Every check with its figures, and below what did not pass, with the first differences."""
    rows = tuple(
        (
            *(group.asset, group.name, Verdict(group.to_text()), "yes" if group.worst.blocking else "no"),
            *(_totals_text(group), _description(group)),
        )
        for group in report.checks.groups
    )
    headings = ("asset", "check", "result", "blocking", "figures", "what it says")
    return Section("Checks", (report.checks.to_text(),), (), (Table("All checks", headings, rows), *_details(report)))


def _totals_text(group: CheckGroup) -> str:
    """The numbers that its evaluations recorded; those of partitions are added up."""
    sums: dict[str, int | float] = {}
    for outcome in group.outcomes:
        for name, value in outcome.metadata.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and name not in _NO_FIGURE:
                sums[name] = sums.get(name, 0) + value
    return ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in sums.items())


def _description(group: CheckGroup) -> str:
    """What the evaluation says; of several partitions that passed, each says the same of itself."""
    worst = group.worst
    if worst.status is CheckStatus.PASSED and worst.partition is not None:
        return ""
    return f"partition {worst.partition}: {worst.description}" if worst.partition else worst.description


def _details(report: MigrationReport) -> Iterator[Table]:
    for group in report.checks.not_passed[:_SHOWN_CHECKS]:
        for name, value in group.worst.metadata.items():
            if is_table(value):
                cells = tuple(tuple(_cell(cell) for cell in row.values()) for row in value[:_SHOWN_ROWS])
                yield Table(f"{group.where}: {name.replace('_', ' ')}", tuple(value[0]), cells)


def _cell(value: object) -> Cell:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else str(value)


def certificate_section(report: MigrationReport) -> Section:
    """What the last comparison of everything established."""
    found = report.certificate
    if found is None:
        return Section("Certificate", ("None yet: `weaviate-migration verify` compares everything, and writes it.",))
    verdict = "Both sides are identical." if found["identical"] else f"{found['differences']:,} differences."
    compared = found["compared"]
    level = f" Objects were read at the level {found['consistency_level']}." if "consistency_level" in found else ""
    told = f"{verdict} {found['statement']}{level} Compared from {compared['began_at']} to {compared['completed_at']}."
    rows = tuple(
        (
            *(alias, each["rows"], each["objects"], each["changed_since_snapshot"], each["differences"]),
            Verdict("identical" if each["source_digest"] == each["target_digest"] else "different"),
            each["source_digest"],
        )
        for alias, each in found["collections"].items()
    )
    headings = ("collection", "rows", "objects", "changed since", "differences", "both sides", "digest of the source")
    versions = tuple(found["versions"].items())
    tables = (
        Table("Compared", headings, rows),
        *(_tenants(alias, each["tenants"]) for alias, each in found["collections"].items() if each.get("tenants")),
        Table("Versions", ("what", "version"), versions),
    )
    return Section("Certificate", (told, found["digests"]), (), tables)


def _tenants(alias: str, tenants: Mapping[str, Mapping[str, Any]]) -> Table:
    """What was found of a collection's tenants: those that differ come first, and then the largest."""
    by_interest = sorted(tenants.items(), key=lambda each: (-each[1]["differences"], -each[1]["rows"], each[0]))
    rows = tuple(
        (
            *(name or "none: refused", each["rows"], each["objects"], each["differences"]),
            Verdict("identical" if each["source_digest"] == each["target_digest"] else "different"),
        )
        for name, each in by_interest[:_SHOWN_TENANTS]
    )
    more = f", {len(rows)} of them" if len(rows) < len(tenants) else ""
    title = f"{counted(len(tenants), 'tenant')} of {alias}{more}"
    return Table(title, ("tenant", "rows", "objects", "differences", "both sides"), rows)


def checklist_section(report: MigrationReport) -> Section:
    """What was looked at before and after the migration."""
    if not report.checklists:
        return Section("Checklists", ("None was run.",))
    tables = (
        Table(
            f"{checklist.kind} of {checklist.at:%Y-%m-%d %H:%M:%S}",
            ("what", "verdict", "figure", "remedy"),
            tuple((each.name, Verdict(each.verdict), each.figure, each.remedy) for each in checklist.items),
        )
        for checklist in report.checklists
    )
    return Section("Checklists", (), (), tuple(each for each in tables if each.rows))
