"""`checks`: what the checks said last, for people and for CI."""

from typing import Any

import click
from rich.console import Console

from weaviate_migration.api.checks import read_check_report
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.base.texts import printable
from weaviate_migration.cli.show.document import STANDARD_OUTPUT, write_document
from weaviate_migration.cli.show.options import (
    EPILOG,
    MARKDOWN_OPTION,
    MIGRATION_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import compact_table, plain_console, print_text
from weaviate_migration.runs.checks import LAST_BACKFILL, CheckReport, CheckStatus, junit_xml, markdown_summary

_STYLES = {CheckStatus.PASSED: "green", CheckStatus.WARNED: "yellow", CheckStatus.RUNNING: "yellow"}


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
@click.option("--run", "run_id", metavar="ID", help="Only what this run planned, whatever came later.")
@click.option(
    "--backfill",
    "backfill_id",
    metavar="[ID]",
    is_flag=False,
    flag_value=LAST_BACKFILL,
    help="Only what this backfill was to cover; without an ID the newest.",
)
@click.option("--junit", metavar="FILE", help="Write JUnit XML, one case for each check and partition.")
@MARKDOWN_OPTION
def checks(
    as_json: bool,
    run_id: str | None,
    backfill_id: str | None,
    junit: str | None,
    markdown: str | None,
    **options: Any,
) -> int:
    """Show what each check said last, and which never ran. A FILE may be - for standard output."""
    if run_id is not None and backfill_id is not None:
        raise click.UsageError("--run and --backfill exclude each other.")
    to_standard_output = [as_json, junit == STANDARD_OUTPUT, markdown == STANDARD_OUTPUT]
    if sum(to_standard_output) > 1:
        raise click.UsageError("Only one of --json, --junit - and --markdown - can have standard output.")
    report = read_check_report(config_with_optional_source(**options), run_id=run_id, backfill_id=backfill_id)
    if junit is not None:
        write_document("--junit", junit, junit_xml(report))
    if markdown is not None:
        write_document("--markdown", markdown, markdown_summary(report))
    if as_json:
        print_json(report.to_dict())
    elif not any(to_standard_output):
        show_report(report, plain_console())
    return report.exit_code


def show_report(report: CheckReport, console: Console) -> None:
    """A line for each check, what did not pass, and the totals."""
    table = compact_table("Checks")
    for heading in ("asset", "check", "result", "evaluated (UTC)"):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("asset", "check"))
    for group in report.groups:
        evaluated = f"{group.last_evaluated:%Y-%m-%d %H:%M}" if group.last_evaluated else ""
        table.add_row(
            printable(group.asset),
            printable(group.name),
            group.to_text(),
            evaluated,
            style=None if group.worst.status is CheckStatus.PASSED else _STYLES.get(group.worst.status, "red"),
        )
    console.print(table, "")
    for group in report.not_passed:
        told = f"{group.worst.status}: {group.where}: {group.worst.description}"
        style = _STYLES.get(group.worst.status, "red")
        print_text(console, printable(told), style)
    print_text(console, printable(report.to_text()))
