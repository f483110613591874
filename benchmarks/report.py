"""The report: figures, runs and events, on the terminal and as Markdown for docs/speed.md."""

import os
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.figures import Figure, Runs, median_cpu, median_seconds
from benchmarks.sheet import Sheet
from weaviate_migration.target.server_binary import SERVER_VERSION


def report_sheets(figures: Sequence[Figure], runs: Runs, rows: int) -> list[Sheet]:
    """The tables of the report."""
    packages = ["dagster", "weaviate-client", *(["dlt"] if "dlt" in runs else [])]
    setting = f"{rows:,} messages of 45 words; {os.cpu_count()} cores; Weaviate {SERVER_VERSION} on the same machine; "
    setting += ", ".join(f"{name} {version(name)}" for name in packages)
    shown = [(each.name, each.measured, each.value, each.target, "yes" if each.met else "NO") for each in figures]
    taken = [
        (name, f"{median_seconds(each):.1f} s", ", ".join(f"{run.seconds:.1f} s" for run in each))
        for name, each in runs.items()
    ]
    sheets = [
        Sheet(setting, ("figure", "measured", "value", "target", "met"), shown),
        Sheet("The runs, in the order in which they took turns", ("run", "median", "each"), taken),
    ]
    return [*sheets, _events_sheet(runs)] if "empty job" in runs else sheets


def before_sheet(revision: str, runs: Runs, before: Runs) -> Sheet:
    """What both versions were measured at: before, now, and the share that is left."""
    lines = [
        (
            name,
            *_before_and_now(median_seconds(before[name]), median_seconds(runs[name])),
            *_before_and_now(median_cpu(before[name]), median_cpu(runs[name])),
        )
        for name in before
    ]
    header = ("run", "seconds before", "now", "share", "CPU seconds before", "now", "share")
    return Sheet(f"Beside {revision}, by turns", header, lines)


def _before_and_now(before: float, now: float) -> tuple[str, str, str]:
    return f"{before:.1f}", f"{now:.1f}", f"{now / before:.2f}" if before else ""


def _events_sheet(runs: Runs) -> Sheet:
    ours, theirs = runs["empty"][-1].events, runs["empty job"][-1].events
    counts = [(kind, str(ours.get(kind, 0)), str(theirs.get(kind, 0))) for kind in sorted({*ours, *theirs})]
    return Sheet("Events that Dagster stored", ("type", "migrate on empty tables", "empty job"), counts)
