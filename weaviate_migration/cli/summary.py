"""The closing summary of a migration: collections, checks, what went wrong, what to do next."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from weaviate_migration.result import CheckResult, MigrationResult

SHOWN_ERRORS = 10


def show_result(result: MigrationResult, console: Console) -> None:
    """The closing summary: collections, checks, what went wrong, what to do next."""
    if result.total_records or result.success:
        console.print(_collections_table(result))
    for text in result.warnings:
        console.print(f"warning: {text}", style="yellow", soft_wrap=True)
    for text in [*result.errors, *result.validation_errors][:SHOWN_ERRORS]:
        console.print(f"error: {text}", style="red", soft_wrap=True)
    if len(result.validation_errors) > SHOWN_ERRORS:
        console.print(f"… and more; --json has all {len(result.validation_errors)} failed checks.")
    if result.total_records or result.success:
        console.print(_closing_line(result), soft_wrap=True)
    if result.next_step:
        console.print(result.next_step, soft_wrap=True)


def _collections_table(result: MigrationResult) -> Table:
    title = f"Migration {result.migration_id}" if result.migration_id else "Dry run"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for heading in ("collection", "table"):
        table.add_column(heading, no_wrap=True)
    written = "to write" if result.dry_run else "migrated"
    for heading in ("rows", written, "refused", "checks"):
        table.add_column(heading, justify="right")
    for name, each in result.collections.items():
        own = [check for check in result.checks if check.asset.replace("_", "") == name.lower()]
        table.add_row(
            each.alias,
            each.table,
            f"{each.source_rows:,}",
            f"{each.migrated:,}",
            f"{each.failed:,}",
            _checks_cell(own),
        )
    return table


def _checks_cell(checks: list[CheckResult]) -> str:
    passed = sum(check.passed for check in checks)
    return f"{passed}/{len(checks)}" if checks else "-"


def _closing_line(result: MigrationResult) -> str:
    verdict = {0: "Done", 3: "Differences"}.get(result.exit_code, "Failed")
    if not result.total_records or result.dry_run:
        return f"{verdict} after {result.duration_seconds:.1f} s."
    return (
        f"{verdict}: {result.migrated_records:,} of {result.total_records:,} rows in {result.duration_seconds:.1f} s "
        f"({result.records_per_second:,.0f}/s), peak memory {result.peak_memory_mb:.0f} MB."
    )
