"""What a person sees: progress while it runs, tables when it is done."""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from weaviate_migration.audit import SourceAudit
from weaviate_migration.progress import Progress as CollectionProgress
from weaviate_migration.progress import read_progress
from weaviate_migration.result import CheckResult, MigrationResult
from weaviate_migration.settings import MigrationConfig
from weaviate_migration.source.plan import CollectionPlan, MigrationPlan
from weaviate_migration.tour import SearchShown

SECONDS_BETWEEN_BARS = 0.25
SECONDS_BETWEEN_LINES = 5.0
SHOWN_ERRORS = 10


@contextmanager
def standard_error() -> Iterator[Console]:
    """A console on standard error that a Dagster run cannot take away: it captures the descriptors 1 and 2."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # There is no descriptor behind it, as in a notebook.
        yield Console(stderr=True)
        return
    with os.fdopen(descriptor, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as file:
        yield Console(file=file)


@contextmanager
def shown_progress(folder: Path, console: Console) -> Iterator[None]:
    """Shows how far each collection is while the block runs: bars on a terminal, now and then a line elsewhere.

    Args:
        folder: where the loads write their progress.
    """
    stopped = threading.Event()
    show = _show_bars if console.is_terminal else _show_lines
    thread = threading.Thread(target=show, args=(folder, console, stopped), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _show_bars(folder: Path, console: Console, stopped: threading.Event) -> None:
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>7}/s"),
        TextColumn("{task.fields[trouble]}"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, expand=True) as bars:
        ended = False
        while not ended:
            ended = stopped.wait(SECONDS_BETWEEN_BARS)
            for each in read_progress(folder):
                if each.collection not in tasks:
                    tasks[each.collection] = bars.add_task(each.collection, rate="", trouble="")
                task = bars.tasks[bars.task_ids.index(tasks[each.collection])]
                rate = (
                    f"{each.handled / task.elapsed:,.0f}" if task.elapsed and not task.finished else task.fields["rate"]
                )
                bars.update(
                    tasks[each.collection], total=each.rows, completed=each.handled, rate=rate, trouble=_trouble(each)
                )


def _show_lines(folder: Path, console: Console, stopped: threading.Event) -> None:
    began: dict[str, float] = {}
    told: dict[str, int] = {}
    ended = False
    while not ended:
        ended = stopped.wait(SECONDS_BETWEEN_LINES)
        for each in read_progress(folder):
            began.setdefault(each.collection, time.monotonic())
            if told.get(each.collection) != each.handled:
                told[each.collection] = each.handled
                console.print(_line(each, time.monotonic() - began[each.collection]), highlight=False)


def _line(progress: CollectionProgress, seconds: float) -> str:
    share = f"{100 * progress.handled / progress.rows:.0f} %" if progress.rows else "no rows"
    rate = f", {progress.handled / seconds:,.0f}/s" if seconds > 1 else ""
    trouble = f", {_trouble(progress)}" if _trouble(progress) else ""
    return f"{progress.collection}: {progress.handled:,} of {progress.rows:,} rows ({share}{rate}{trouble})"


def _trouble(progress: CollectionProgress) -> str:
    parts = [f"{progress.refused} refused"] if progress.refused else []
    return ", ".join(parts + ([f"{progress.retried} sent again"] if progress.retried else []))


def show_result(result: MigrationResult, console: Console) -> None:
    """The closing summary: collections, checks, what went wrong, what to do next."""
    if result.total_records or result.success:
        console.print(_collections_table(result))
    for text in result.warnings:
        console.print(f"warning: {text}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    for text in [*result.errors, *result.validation_errors][:SHOWN_ERRORS]:
        console.print(f"error: {text}", style="red", highlight=False, markup=False, soft_wrap=True)
    if len(result.validation_errors) > SHOWN_ERRORS:
        console.print(f"… and more; --json has all {len(result.validation_errors)} failed checks.")
    if result.total_records or result.success:
        console.print(_closing_line(result), highlight=False, markup=False, soft_wrap=True)
    if result.next_step:
        console.print(result.next_step, highlight=False, markup=False, soft_wrap=True)


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


def show_plan(plan: MigrationPlan, console: Console) -> None:
    """The mapping as it fits the file: for each column of each table where it goes."""
    for each in plan.collections:
        if each.table is None:
            console.print(f"{each.mapping.table}: not in the file; {each.mapping.name} stays empty\n", highlight=False)
        else:
            console.print(_plan_table(each), "")
    for text in plan.warnings:
        console.print(f"warning: {text}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _plan_table(plan: CollectionPlan) -> Table:
    assert plan.table is not None
    key = f"key: {'rowid' if plan.uses_rowid else ', '.join(plan.key)}"
    table = Table(title=f"{plan.table.name} → {plan.mapping.name} ({key})", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("column", "declared", "property", "type", "index"):
        table.add_column(heading, overflow="fold")
    for column in plan.table.columns:
        targets = [prop for prop in plan.mapping.properties if prop.column == column.name]
        if column.name in plan.mapping.omit:
            table.add_row(column.name, column.declared_type, f"left out: {plan.mapping.omit[column.name]}", "", "")
        elif not targets:
            table.add_row(column.name, column.declared_type, f"{plan.mapping.provenance}.source_columns", "text", "")
        for prop in targets:
            table.add_row(column.name, column.declared_type, prop.name, prop.type, prop.index or "filter")
    return table


def show_audit(audit: SourceAudit, console: Console) -> None:
    """What the file holds and where it goes."""
    plan, rows = audit.plan, audit.rows
    table = Table(title="What the file holds", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("table", "rows", "collection", "columns with a property", "in source_columns only"):
        # Cut names would be of no use: they are continued on the next line.
        table.add_column(heading, justify="right" if heading == "rows" else "left", overflow="fold")
    for each in plan.collections:
        if each.table is not None:
            mapped = [column for column in each.columns if column not in each.unmapped_columns]
            table.add_row(
                each.table.name,
                f"{rows[each.table.name]:,}",
                each.mapping.name,
                ", ".join(mapped),
                ", ".join(each.unmapped_columns),
            )
    for name in plan.unmapped_tables:
        table.add_row(name, f"{rows[name]:,}", "not migrated", "", "")
    console.print(table)
    for text in plan.warnings:
        console.print(f"warning: {text}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def show_searches(searches: Iterable[SearchShown], config: MigrationConfig, console: Console) -> None:
    """The demo's searches and their first hits, and where to look next."""
    for search in searches:
        console.print(f"\nBM25 search in {search.alias}: “{search.query}”", style="bold", highlight=False)
        for hit in search.hits:
            console.print(f"  {hit.score:5.2f}  {hit.excerpt}", highlight=False, markup=False)
    console.print(
        f"\nWhere to look next: `make ui` shows this run, its assets and checks in Dagster's UI; "
        f"`weaviate-migration audit --sqlite-url {config.sqlite_url}` what the file holds.",
        highlight=False,
        soft_wrap=True,
    )
