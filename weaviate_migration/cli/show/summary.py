"""The closing summary of a migration: collections, checks, what went wrong, what to do next."""

from collections.abc import Mapping

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from weaviate_migration.api.outcome import MigrationResult
from weaviate_migration.base.vector_tally import VectorTally
from weaviate_migration.cli.show.drawn_mapping import drawn_text
from weaviate_migration.cli.show.progress_view import duration
from weaviate_migration.cli.show.terminal import compact_table, fitted, free_lines, print_text
from weaviate_migration.cli.show.vector_lines import vector_lines
from weaviate_migration.runs.events import CheckResult

SHOWN_ERRORS = 10
# On a narrower terminal the names of the tables are left out.
WIDE = 72


def show_result(result: MigrationResult, console: Console) -> None:
    """The closing summary: collections, checks, what went wrong, what to do next; no higher than the terminal is."""
    ran = bool(result.total_records) or result.success
    table: list[RenderableType] = [_collections_table(result, wide=console.width >= WIDE), Text()] if ran else []
    closing = [Text(text) for text in ([_phases_line(result), _closing_line(result)] if ran else []) if text]
    closing += [Text(f"Vectors: {line}") for line in vector_lines(_made_vectors(result))]
    if result.certificate:
        closing.append(Text(f"Certificate: {result.certificate}"))
    if result.drawn_mapping:
        closing.append(Text(drawn_text(result.drawn_mapping)))
    if result.next_step:
        closing.append(Text(result.next_step, style="bold"))
    messages = _messages(result)
    if console.is_terminal:
        messages = fitted(messages, console, free_lines(console, [*table, *closing]))
    for each in table:
        console.print(each)
    for text in [*messages, *closing]:
        print_text(console, text)


def _made_vectors(result: MigrationResult) -> dict[str, Mapping[str, VectorTally]]:
    return {alias: each.vectors for alias, each in result.metrics.collections.items()}


def _messages(result: MigrationResult) -> list[Text]:
    """What went wrong, the worst first."""
    errors = [*result.errors, *result.validation_errors]
    messages = [Text(f"error: {text}", style="red") for text in errors[:SHOWN_ERRORS]]
    if len(result.validation_errors) > SHOWN_ERRORS:
        messages.append(Text(f"… and more; --json has all {len(result.validation_errors)} failed checks."))
    return messages + [Text(f"warning: {text}", style="yellow") for text in result.warnings]


def _collections_table(result: MigrationResult, *, wide: bool) -> Table:
    title = f"Migration {result.migration_id}" if result.migration_id else "Dry run"
    table = compact_table(title)
    for heading in ("collection", *(("table",) if wide else ())):
        table.add_column(heading, overflow="fold")
    written = "to write" if result.dry_run else "migrated"
    for heading in ("rows", written, "refused", "checks"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, each in result.collections.items():
        own = [check for check in result.checks if check.asset.replace("_", "") == name.lower()]
        table.add_row(
            each.alias,
            *((each.table,) if wide else ()),
            f"{each.source_rows:,}",
            f"{each.migrated:,}",
            f"{each.failed:,}",
            _checks_cell(own),
        )
    return table


def _checks_cell(checks: list[CheckResult]) -> str:
    passed = sum(check.passed for check in checks)
    return f"{passed}/{len(checks)}" if checks else "-"


def _phases_line(result: MigrationResult) -> str:
    """How long each phase took."""
    phases = ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.phases.items())
    return f"Phases: {phases}" if phases else ""


def _closing_line(result: MigrationResult) -> str:
    verdict = {0: "Done", 3: "Differences"}.get(result.exit_code, "Failed")
    if not result.total_records or result.dry_run:
        return f"{verdict} after {result.duration_seconds:.1f} s."
    return (
        f"{verdict}: {result.migrated_records:,} of {result.total_records:,} rows in {result.duration_seconds:.1f} s "
        f"({result.records_per_second:,.0f}/s), peak memory {result.peak_memory_mb:.0f} MB."
    )
