"""Progress on the terminal while a command runs: bars, or now and then a line elsewhere."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from weaviate_migration.progress import Progress as CollectionProgress
from weaviate_migration.progress import read_progress

SECONDS_BETWEEN_BARS = 0.25
SECONDS_BETWEEN_LINES = 5.0


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
