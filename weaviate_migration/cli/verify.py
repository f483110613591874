"""`verify`: every object compared with its row."""

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from weaviate_migration.api.verify import VerificationResult, verify_migration
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.cli.show.live_progress import shown_progress
from weaviate_migration.cli.show.options import (
    ALERTS_OPTION,
    COMMON_OPTIONS,
    EPILOG,
    LOG_OPTIONS,
    METRICS_OPTIONS,
    PARTITIONS_PER_TASK_OPTION,
    PAUSE_OPTION,
    QUERIES_OPTION,
    SOURCE_OPTIONS,
    WORK_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import compact_table, plain_console, print_text, standard_error
from weaviate_migration.phases.validation.differences import Difference

SHOWN_DIFFERENCES = 20


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(
    *(*SOURCE_OPTIONS, *COMMON_OPTIONS, PARTITIONS_PER_TASK_OPTION, PAUSE_OPTION, QUERIES_OPTION),
    *(*LOG_OPTIONS, ALERTS_OPTION, *METRICS_OPTIONS, *WORK_OPTIONS),
)
@click.option("--repair", is_flag=True, help="Write what is missing or altered, remove what is extra, compare again.")
def verify(as_json: bool, repair: bool, **options: Any) -> int:
    """Compare every object with its row, and run all checks. The certificate says what came of it."""
    config = config_with_optional_source(**options)
    with standard_error() as console, shown_progress(config, console, "Verifying", None) as begin:
        result = verify_migration(config, repair, on_start=begin)
    if as_json:
        print_json(result.to_dict())
    _print_result(result, plain_console(stderr=True))
    return result.exit_code


def _print_result(result: VerificationResult, console: Console) -> None:
    if result.collections:
        console.print(_collections_table(result), "")
    for each in result.differences[:SHOWN_DIFFERENCES]:
        console.print(_difference_line(each), soft_wrap=True)
    if result.total_differences > SHOWN_DIFFERENCES:
        print_text(console, f"… and {result.total_differences - SHOWN_DIFFERENCES:,} more; --json has the first 1,000.")
    for text in result.errors:
        print_text(console, f"error: {text}", "red")
    for check in (each for each in result.checks if not each.passed and each.name != "every_object"):
        print_text(console, f"{check.severity.lower()}: {check.asset}: {check.name}: {check.description}", "yellow")
    for name in result.not_run:
        print_text(console, f"not run: {name}: the checks of the parents failed", "yellow")
    if result.repaired is not None:
        done = result.repaired
        print_text(console, f"Repaired: {done.written} written, {done.removed} removed, {done.refused} refused.")
    for text in _closing_lines(result):
        print_text(console, text)


def _difference_line(difference: Difference) -> str:
    """One line: wider than a table could be, and keys and values can be copied from it."""
    where = f"{difference.collection}, partition {difference.partition}, {difference.key}"
    what = f"{difference.kind} {difference.property}".strip()
    return f"{where}: {what}: expected {difference.expected}, found {difference.found}"


def _closing_lines(result: VerificationResult) -> list[str]:
    verdict = {0: "No difference", 3: f"{result.total_differences:,} differences"}.get(result.exit_code, "Failed")
    lines = [f"{verdict}: {_seconds(result):.1f} s."]
    if result.certificate:
        lines += [f"Certificate: {result.certificate}", result.statement]
    if result.total_differences and result.repaired is None:
        lines.append("`weaviate-migration verify --repair` mends what was not refused.")
    return lines


def _seconds(result: VerificationResult) -> float:
    return (result.completed_at - result.started_at).total_seconds() if result.completed_at and result.started_at else 0


def _collections_table(result: VerificationResult) -> Table:
    table = compact_table(f"Migration {result.migration_id}")
    table.add_column("collection", no_wrap=True)
    for heading in ("rows", "objects", "missing", "extra", "altered"):
        table.add_column(heading, justify="right")
    for alias, each in result.collections.items():
        figures = (each.rows, each.objects, each.missing, each.extra, each.altered)
        table.add_row(alias, *(f"{figure:,}" for figure in figures))
    return table
