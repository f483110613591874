"""`python -m benchmarks`: measures on one real server of its own, and prints figures beside their targets."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from benchmarks.audit import measure_audit, measure_fetch
from benchmarks.captured_writes import CapturedWrites
from benchmarks.dlt_pipeline import measure_dlt
from benchmarks.figures import LARGER, SUBJECTS, Runs
from benchmarks.follow_latency import FollowLatency
from benchmarks.measurement import MeasuredCommandError, Measurement, Server, python_command, timed_command
from benchmarks.measuring_cost import measure_cost
from benchmarks.messages_file import write_messages_file
from benchmarks.migrate_command import MigrateCommand
from benchmarks.report import report_sheets
from benchmarks.run_events import events_by_type
from benchmarks.upper_bound import UpperBound
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import embedded_server

Measure = Callable[[], Measurement]

# Peak memory hardly differs from run to run, and this is by far the longest one.
ONCE = "migrate larger"


@click.command()
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(min=1000), help="Messages.")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1), help="Runs of each thing.")
@click.option("--only", type=click.Choice(list(SUBJECTS)), multiple=True, help="Only these; default: all.")
@click.option("--bound-batch-size", default=100, show_default=True, type=click.IntRange(min=1))
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the report into this file too.")
def main(rows: int, repeats: int, only: tuple[str, ...], bound_batch_size: int, markdown: Path | None) -> None:
    """Measure speed and memory; whether a target is met is said, and changes no exit code."""
    subjects = [SUBJECTS[name] for name in SUBJECTS if name in (only or SUBJECTS)]
    needed = dict.fromkeys(name for each in subjects for name in each.needs)
    with TemporaryDirectory(prefix="weaviate-migration-benchmarks-") as folder, _server(Path(folder)) as server:
        measures = _measures(server, Path(folder), rows, bound_batch_size)
        try:
            runs = _take_turns({name: measures[name]() for name in needed}, repeats)
        except MeasuredCommandError as error:
            raise click.ClickException(str(error)) from error
    sheets = report_sheets([figure for each in subjects for figure in each.figures(runs)], runs, rows)
    for sheet in sheets:
        Console().print(sheet.to_rich())
    if markdown is not None:
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        markdown.write_text("\n\n".join([f"`{command}`", *(each.to_markdown() for each in sheets)]) + "\n", "utf-8")


@contextmanager
def _server(folder: Path) -> Iterator[Server]:
    with embedded_server(folder / "weaviate") as address, connect(address, None) as client:
        yield Server(address, client)


def _measures(server: Server, folder: Path, rows: int, batch_size: int) -> Mapping[str, Callable[[], Measure]]:
    """For each name what prepares its measuring; only what is needed is prepared."""

    def source(count: int) -> Path:
        path = folder / f"{count}.sqlite"
        return path if path.exists() else write_messages_file(path, count)

    def migrate(count: int) -> MigrateCommand:
        return MigrateCommand(server, source(count), count, folder)

    return {
        "bound": lambda: UpperBound(server, source(rows), batch_size).measure,
        "empty": lambda: migrate(0).measure,
        "migrate": lambda: migrate(rows).measure,
        "empty job": lambda: partial(_measure_empty_job, folder),
        "dlt": lambda: partial(measure_dlt, server, source(rows), rows),
        "fetch": lambda: partial(measure_fetch, source(rows)),
        "audit": lambda: partial(measure_audit, source(rows), folder / "scratch"),
        "verify": lambda: migrate(rows).measure_verify,
        "verify empty": lambda: migrate(0).measure_verify,
        "after kill": lambda: migrate(rows).measure_after_kill,
        "captured commits": lambda: CapturedWrites(folder, transaction_rows=1).measure,
        "captured transactions": lambda: CapturedWrites(folder, transaction_rows=1000).measure,
        "measuring": lambda: partial(measure_cost, server, source(rows), folder),
        "follow": lambda: FollowLatency(server, folder).measure,
        ONCE: lambda: migrate(LARGER * rows).measure,
    }


def _measure_empty_job(folder: Path) -> Measurement:
    with TemporaryDirectory(dir=folder) as place:
        home = Path(place, "dagster_home")
        seconds, _ = timed_command(python_command("benchmarks.empty_job", home))
        return Measurement(seconds, events=events_by_type(home))


def _take_turns(measures: Mapping[str, Measure], repeats: int) -> Runs:
    """Each thing once, then each again: what slows the machine down for a while slows all of them down."""
    runs: dict[str, list[Measurement]] = {name: [] for name in measures}
    for turn in range(1, repeats + 1):
        for name, measure in measures.items():
            if turn == 1 or name != ONCE:
                runs[name].append(measure())
                click.echo(f"turn {turn} of {repeats}: {name}: {runs[name][-1].seconds:.1f} s", err=True)
    return runs


if __name__ == "__main__":
    main()
