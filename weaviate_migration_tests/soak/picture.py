"""What was measured, as a picture and as a table for the docs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from weaviate_migration_tests.soak.flatness import LAG_SECONDS, compared, each_second, returns
from weaviate_migration_tests.soak.samples import Sample

_PANELS = (
    ("follower_mb", "memory of the follower, MB"),
    ("follower_files", "open files of the follower"),
    ("log_entries", "entries of the change log"),
    ("wal_mb", "WAL of the application's file, MB"),
    ("dagster_mb", "Dagster's storage, MB"),
    ("lag_seconds", "lag, seconds"),
)


def draw(samples: Sequence[Sample], path: Path) -> None:
    """A curve for each figure, over minutes, with a line where the server was restarted."""
    figure = Figure(figsize=(10, 8), layout="constrained")
    minutes = [each.seconds / 60 for each in samples]
    restarts = [each.at / 60 for each in returns(samples)]
    for axes, (name, title) in zip(figure.subplots(3, 2, sharex=True).flat, _PANELS, strict=True):
        values = [getattr(each, name) for each in samples]
        axes.plot(minutes, values, linewidth=0.8)
        axes.vlines(restarts, 0, 1, transform=axes.get_xaxis_transform(), colors="lightgrey", zorder=0)
        axes.set_title(title, fontsize=10)
        axes.set_ylim(0, 1.15 * max(values))
    figure.supxlabel("minutes; grey: the server was restarted", fontsize=9)
    figure.savefig(path, dpi=110)


def table(samples: Sequence[Sample]) -> Iterator[str]:
    """The lines of a table in Markdown, and two sentences after it."""
    yield "| figure | second quarter | last quarter | most |"
    yield "| --- | --- | --- | --- |"
    for each in compared(samples):
        yield f"| {each.shown} | {each.before:g} | {each.after:g} | {each.most:g} |"
    last = samples[-1]
    yield ""
    yield (
        f"{last.changes:,} changes in {last.seconds / 60:.0f} minutes, {last.changes / last.seconds:.0f} a second; "
        f"{median(each.lag_seconds for each in each_second(samples)):.2f} s of lag in the middle; the follower took "
        f"{100 * last.follower_cpu_seconds / last.seconds:.0f} % of a core, and at most "
        f"{max(each.log_entries for each in samples):,} entries were in the change log."
    )
    back = [each.seconds for each in returns(samples)]
    seconds = [each for each in back if each is not None]
    if back:
        yield (
            f"After {len(seconds)} of {len(back)} restarts of the server the lag was under {LAG_SECONDS:g} s again, "
            f"after {median(seconds):.1f} s in the middle and {max(seconds):.1f} s at most."
        )
