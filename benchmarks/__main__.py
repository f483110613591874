"""`python -m benchmarks`: measures on one real server of its own, and prints figures beside their targets."""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from benchmarks.audit import measure_audit, measure_fetch
from benchmarks.captured_writes import CapturedWrites, install_bare_trigger, install_our_capture
from benchmarks.cold_commands import demo_file, measure_demo, measure_foretold_demo, measure_help, measure_start
from benchmarks.dlt_pipeline import measure_dlt
from benchmarks.embedded_file import EmbeddedFile, Origin
from benchmarks.embedding import measure_embedding
from benchmarks.empty_job_run import measure_empty_job
from benchmarks.figures import LARGER, MAX_WORKERS, MILLION, SUBJECTS, Runs, index_run, workers_run
from benchmarks.follow_latency import FollowLatency
from benchmarks.measurement import ROOT, MeasuredCommandError, Measurement, Server, own_server
from benchmarks.measuring_cost import measure_cost
from benchmarks.messages_file import write_messages_file
from benchmarks.migrate_command import MigrateCommand
from benchmarks.report import before_sheet, report_sheets
from benchmarks.tables_file import TablesFile
from benchmarks.upper_bound import UpperBound, messages_mapping
from benchmarks.vector_indexes import INDEXES, measure_index
from benchmarks.version_before import checked_out
from weaviate_migration.mapping import read_mapping

Measure = Callable[[], Measurement]
# What prepares a measuring, for each name: only what is needed is prepared.
Preparations = dict[str, Callable[[], Measure]]

# Peak memory hardly differs from run to run, and these are by far the longest ones.
ONCE = ("migrate larger", "migrate a million", "bound of a million")
EMBEDDED_ROWS = 20_000
# MiniLM makes 44 vectors a second on one core.
FEW_EMBEDDED_ROWS = 1_000


@click.command()
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(min=1000), help="Messages.")
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(min=1), help="Runs of each thing.")
@click.option("--only", type=click.Choice(list(SUBJECTS)), multiple=True, help="Only these; default: all.")
@click.option("--bound-batch-size", default=100, show_default=True, type=click.IntRange(min=1))
@click.option("--before", metavar="REVISION", help="Measure this version's commands too, turn by turn with ours.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the report into this file too.")
def main(
    rows: int, repeats: int, only: tuple[str, ...], bound_batch_size: int, before: str | None, markdown: Path | None
) -> None:
    """Measure speed and memory; whether a target is met is said, and changes no exit code."""
    subjects = [SUBJECTS[name] for name in SUBJECTS if name in (only or SUBJECTS)]
    needed = dict.fromkeys(name for each in subjects for name in each.needs)
    try:
        with TemporaryDirectory(prefix="weaviate-migration-benchmarks-") as place, own_server(Path(place)) as server:
            folder = Path(place)
            measures = _commands(server, folder, rows, ROOT) | _within(server, folder, rows, bound_batch_size)
            measures |= _of_vectors(server, folder, bound_batch_size)
            ours = {name: measures[name]() for name in needed}
            with checked_out(before, folder) if before else nullcontext() as checkout:
                theirs = _commands(server, folder, rows, checkout) if checkout else {}
                beside = {name: theirs[name]() for name in needed if name in theirs}
                runs, runs_before = _take_turns(ours, beside, repeats)
    except MeasuredCommandError as error:
        raise click.ClickException(str(error)) from error
    sheets = report_sheets([figure for each in subjects for figure in each.figures(runs)], runs, rows)
    if before:
        sheets.append(before_sheet(before, runs, runs_before))
    for sheet in sheets:
        Console().print(sheet.to_rich())
    if markdown is not None:
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        markdown.write_text("\n\n".join([f"`{command}`", *(each.to_markdown() for each in sheets)]) + "\n", "utf-8")


def _commands(server: Server, folder: Path, rows: int, checkout: Path) -> Preparations:
    """What is measured from the outside, so that it can be of another version."""

    def migrate(count: int, *options: object) -> MigrateCommand:
        source = _messages_file(folder, count)
        return MigrateCommand(server, source, count, folder, options=options, checkout=checkout)

    def migrate_tables(tables: int, rows: int, *options: object) -> MigrateCommand:
        made = TablesFile(folder, tables, rows)
        options = ("--mapping", made.mapping(), *options)
        return MigrateCommand(server, made.source(), rows, folder, made.names, options, checkout)

    def with_workers(workers: int) -> Measure:
        executor = folder / f"{workers}-workers.yaml"
        executor.write_text(f"multiprocess: {{max_concurrent: {workers}}}\n", encoding="utf-8")
        return migrate_tables(6, 20_000, "--executor", executor).measure

    return {
        "empty": lambda: migrate(0).measure,
        "migrate": lambda: migrate(rows).measure,
        "verify": lambda: migrate(rows).measure_verify,
        "verify empty": lambda: migrate(0).measure_verify,
        "after kill": lambda: migrate(rows).measure_after_kill,
        "empty parallel": lambda: migrate(0, "--parallel").measure,
        "six tables": lambda: migrate_tables(6, 20_000).measure,
        "six tables parallel": lambda: migrate_tables(6, 20_000, "--parallel").measure,
        "forty tables": lambda: migrate_tables(40, 25).measure,
        "demo": lambda: partial(measure_demo, demo_file(folder), folder, checkout),
        "foretold demo": lambda: partial(measure_foretold_demo, demo_file(folder), folder, checkout),
        "foretold forty tables": lambda: migrate_tables(40, 25).measure_foretold,
        "foretold messages": lambda: migrate(rows).measure_foretold,
        "server": lambda: partial(measure_start, folder, checkout),
        "server again": lambda: partial(measure_start, folder, checkout, again=True),
        "help": lambda: partial(measure_help, checkout),
        "migrate larger": lambda: migrate(LARGER * rows).measure,
        # Copying so much takes longer than writers of a file with a rollback journal are made to wait unasked.
        "migrate a million": lambda: migrate(MILLION, "--allow-pause").measure,
        **{workers_run(each): partial(with_workers, each) for each in (1, *MAX_WORKERS)},
    }


def _within(server: Server, folder: Path, rows: int, batch_size: int) -> Preparations:
    """What is measured within this version, or is not ours."""

    @cache
    def bound(count: int) -> UpperBound:
        return UpperBound(server, _messages_file(folder, count), messages_mapping(), batch_size)

    def source() -> Path:
        return _messages_file(folder, rows)

    return {
        "bound": lambda: bound(rows).measure,
        "bound again": lambda: bound(rows).measure,
        "bound of a million": lambda: bound(MILLION).measure,
        "empty job": lambda: partial(measure_empty_job, folder),
        "empty job, our storage": lambda: partial(measure_empty_job, folder, our_storage=True),
        "dlt": lambda: partial(measure_dlt, server, source(), rows),
        "fetch": lambda: partial(measure_fetch, source()),
        "audit": lambda: partial(measure_audit, source(), folder / "scratch"),
        "captured commits": lambda: CapturedWrites(folder, 1, install_our_capture).measure,
        "captured transactions": lambda: CapturedWrites(folder, 1000, install_our_capture).measure,
        "bare trigger": lambda: CapturedWrites(folder, 1000, install_bare_trigger).measure,
        "measuring": lambda: partial(measure_cost, server, source(), rows, folder),
        "follow": lambda: FollowLatency(server, folder).measure,
    }


def _of_vectors(server: Server, folder: Path, batch_size: int) -> Preparations:
    """What is measured of vectors of 384 numbers."""
    many, few = EmbeddedFile(folder, EMBEDDED_ROWS), EmbeddedFile(folder, FEW_EMBEDDED_ROWS)

    def migrate(file: EmbeddedFile, origin: Origin) -> MigrateCommand:
        options = ("--mapping", file.mapping(origin))
        return MigrateCommand(server, file.source(), file.rows, folder, ("Text",), options)

    def bound(origin: Origin) -> UpperBound:
        mapping = read_mapping(many.mapping(origin)).collections[0]
        vectors = None if origin == "carried" else many.vectors
        return UpperBound(server, many.source(), mapping, batch_size, vectors)

    return {
        "carried vectors bound": lambda: bound("carried").measure,
        "migrate carried vectors": lambda: migrate(many, "carried").measure,
        "made vectors bound": lambda: bound("static").measure,
        "migrate made vectors": lambda: migrate(many, "static").measure,
        "embed with minilm": lambda: partial(measure_embedding, few, "minilm"),
        "embed with static": lambda: partial(measure_embedding, many, "static"),
        "full-text search": lambda: migrate(many, "carried").measure_containment,
        "second migration": lambda: migrate(few, "minilm").measure_second,
        **{
            index_run(each): partial(lambda index: partial(measure_index, server, many, index), each)
            for each in INDEXES
        },
    }


def _messages_file(folder: Path, count: int) -> Path:
    path = folder / f"{count}.sqlite"
    return path if path.exists() else write_messages_file(path, count)


def _take_turns(ours: Mapping[str, Measure], theirs: Mapping[str, Measure], repeats: int) -> tuple[Runs, Runs]:
    """Each thing once, then each again: what slows the machine down for a while slows all of them down.

    Args:
        theirs: what is measured of the version before, each right before ours.
    """
    runs: tuple[dict[str, list[Measurement]], ...] = ({name: [] for name in ours}, {name: [] for name in theirs})
    for turn in range(1, repeats + 1):
        for name in (each for each in ours if turn == 1 or each not in ONCE):
            for whose, of, measures in (("before: ", runs[1], theirs), ("", runs[0], ours)):
                if name in measures:
                    of[name].append(measures[name]())
                    click.echo(f"turn {turn} of {repeats}: {whose}{name}: {of[name][-1].seconds:.1f} s", err=True)
    return runs[0], runs[1]


if __name__ == "__main__":
    main()
