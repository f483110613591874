"""The options that commands share, and how a command ends."""

import functools
import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from weaviate_migration.cli.show.encoding import json_text

EPILOG = "Each option can come from the environment too: --sqlite-url is WEAVIATE_MIGRATION_SQLITE_URL, and so on."

Command = Callable[..., Any]

# Headings of `--help`, in the order in which they are shown; a command's own options stand before them.
SOURCE = "Source and mapping"
SERVER = "Weaviate"
FOLDER = "Files"
SIZES = "Memory and speed"
CHANGES = "Change log"
WATCHING = "Logs, alerts and metrics"
HEADINGS = ("Options", SOURCE, SERVER, FOLDER, SIZES, CHANGES, WATCHING)


class SharedOption(click.Option):
    """An option that many commands have.

    Attributes:
        heading: under which of HEADINGS `--help` shows it.
    """

    def __init__(self, *names: Any, heading: str, **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.heading = heading


class HeadedCommand(click.Command):
    """A command whose `--help` begins with what is its own: most options are those of many commands."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its options, each under its heading."""
        shown = defaultdict(list)
        for option in self.get_params(ctx):
            if (line := option.get_help_record(ctx)) is not None:
                shown[option.heading if isinstance(option, SharedOption) else HEADINGS[0]].append(line)
        for heading in sorted(shown, key=HEADINGS.index):
            with formatter.section(heading):
                formatter.write_dl(shown[heading])


class Seconds(click.FloatRange):
    """A span of time: `nan`, which is smaller than no bound, and `inf`, which has no end, are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails where it is none, or out of range."""
        converted = super().convert(value, param, ctx)
        return converted if math.isfinite(converted) else self.fail(f"{value} is not a finite number.", param, ctx)


def _under(heading: str) -> Callable[..., Callable[[Command], Command]]:
    """Makes options as `click.option` does, shown under this heading."""
    return functools.partial(click.option, cls=SharedOption, heading=heading)


_of_source, _of_server, _of_folder = _under(SOURCE), _under(SERVER), _under(FOLDER)
_of_sizes, _of_changes, _of_watching = _under(SIZES), _under(CHANGES), _under(WATCHING)


def _joined(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str | None:
    """The values of an option that may be given more than once, as the environment has them: with commas."""
    return ",".join(given) or None


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Gives a command these options, in this order."""
    return lambda command: functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


MAPPING_OPTION = _of_source(
    "--mapping",
    type=click.Path(path_type=Path),
    help="A file or a preset that says what becomes what; default: the migration's own, or what fits the file.",
)
QUERIES_OPTION = click.option(
    "--queries",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The application's own queries, and what they have to find; default: those of before.",
)
STORAGE_OPTION = _of_folder(
    "--storage",
    metavar="PATH",
    help="For snapshot, extracts, quarantine: any fsspec path; default: the work folder.",
)
VECTOR_OPTIONS = (
    _of_folder(
        "--vector-cache",
        metavar="FILE|URL",
        help="The vectors that were made, for migrations to share; default: where the state is.",
    ),
    _of_sizes(
        "--max-embedding-calls", metavar="CALLS", type=int, help="How often models are asked for vectors at most."
    ),
)
EXECUTOR_OPTION = _of_sizes(
    "--executor",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Which of Dagster's executors runs the steps, and how; default: this process, or as --parallel says.",
)
ALERTS_OPTION = _of_watching(
    "--alerts", metavar="FILE", type=click.Path(path_type=Path), help="Who is told of what goes wrong; default: nobody."
)
PAUSE_OPTION = click.option(
    "--allow-pause",
    is_flag=True,
    default=None,
    help="Let the application's writers wait for the snapshot over 2 s.",
)
MEMORY_OPTION = _of_sizes(
    "--memory-limit-mb", type=int, help="What sorting and batches are sized by, and rows are limited by; default 1024."
)
KEEP_OPTIONS = (
    _of_changes("--keep-changes", type=int, help="Applied changes that stay in the log at most; default 100000."),
    _of_changes(
        "--keep-hours", metavar="HOURS", type=float, help="Applied changes that are older go from the log; default 168."
    ),
)
SOURCE_OPTION = _of_source("--sqlite-url", metavar="URL", help="A path, or a URL such as sqlite:////data/app.db.")
SOURCE_OPTIONS = (SOURCE_OPTION, MAPPING_OPTION)
SERVER_OPTION = _of_server(
    "--weaviate-url",
    metavar="URL",
    multiple=True,
    callback=_joined,
    help="embedded (default), embedded:DIR, or http(s)://host[:port]; of a cluster one for each node.",
)
SERVER_OPTIONS = (
    SERVER_OPTION,
    _of_server("--grpc-port", type=int, help="Default: 50051, for https 443."),
    _of_server("--grpc-host", metavar="HOST", help="Where gRPC is served; default: the host of --weaviate-url."),
    _of_server(
        "--consistency-level",
        type=click.Choice(["ONE", "QUORUM", "ALL"], case_sensitive=False),
        help="How many replicas take part in writes and reads; default QUORUM.",
    ),
    _of_server("--api-key", "weaviate_api_key", help="For a server that wants one; better in the environment."),
    _of_server("--max-retries", type=int, help="How often a call that failed is made again; default 3."),
    _of_server(
        "--retry-delay",
        metavar="SECONDS",
        type=float,
        help="How long before it is made again, then doubled; default 1.",
    ),
)
# What means the same to every command about a file or its migration, so that a script can give it to each of them: what
# a migration on record has already is compared with it.
COMMON_OPTIONS = (
    _of_source("--tenant", help="Migrate the rows of this tenant alone; default: all rows."),
    _of_source("--prefix", help="Stands before the names of collections and aliases."),
    *SERVER_OPTIONS,
    MEMORY_OPTION,
    _of_sizes(
        "--partitions", type=int, help="Into how many ranges a migration that begins cuts each table; default 16."
    ),
    STORAGE_OPTION,
    *VECTOR_OPTIONS,
    EXECUTOR_OPTION,
)
WORK_OPTIONS = (
    _of_folder("--work-dir", type=click.Path(path_type=Path), help="Default: .weaviate_migration."),
    _of_folder(
        "--state-url", metavar="URL", help="PostgreSQL that keeps the state for several machines; default: the folder."
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, and nothing else."),
)
MIGRATION_OPTIONS = (*SOURCE_OPTIONS, *COMMON_OPTIONS, *WORK_OPTIONS)
MARKDOWN_OPTION = click.option("--markdown", metavar="FILE", help="Write Markdown into this file.")
LOG_OPTIONS = (
    _of_watching(
        "--log-level",
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
        help="The least level that is shown and written; default INFO.",
    ),
    _of_watching("--log-file", type=click.Path(path_type=Path), help="Log records as JSON lines."),
    _of_watching(
        "--log-format",
        type=click.Choice(["text", "json"]),
        help="Of the log records on standard error; default text. With json nothing else is shown there.",
    ),
)
METRICS_OPTIONS = (
    _of_watching("--metrics-port", type=int, help="Serve metrics for Prometheus at this port while it runs."),
    _of_watching("--metrics-address", help="On this address; default 127.0.0.1: no other machine reaches it."),
    _of_watching(
        "--metrics-file", type=click.Path(path_type=Path), help="Write metrics into this file, for node_exporter."
    ),
    _of_watching("--metrics-push-url", metavar="URL", help="Push metrics to this gateway, every 15 s and at the end."),
)
PARTITIONS_PER_TASK_OPTION = _of_sizes(
    "--partitions-per-task",
    metavar="NUMBER",
    type=int,
    help="Load or compare so many partitions in one run, and runs side by side; default: all in one.",
)
MIGRATE_OPTIONS = (
    PARTITIONS_PER_TASK_OPTION,
    _of_sizes("--batch-size", type=int, help="Objects in a batch at most; default 100."),
    click.option("--validation-sample", "validation_sample_size", type=int, help="Rows to compare; default 1000."),
    _of_sizes(
        "--parallel", "enable_parallel_processing", is_flag=True, default=None, help="Load collections side by side."
    ),
    _of_sizes(
        "--workers",
        "worker_count",
        type=int,
        help="Batches under way at once; in each step, where workers of --executor carry it out. Default 4.",
    ),
    click.option("--dry-run", is_flag=True, default=None, help="Do everything but write to Weaviate."),
    click.option(
        "--backup/--no-backup",
        "backup_before_migration",
        default=None,
        help="Keep the snapshot as a backup (default), or remove it at the end.",
    ),
    click.option(
        "--rollback/--no-rollback",
        "rollback_on_failure",
        default=None,
        help="When it fails, remove the collections that it made (default), or keep them.",
    ),
    click.option(
        "--cutover/--no-cutover", default=None, help="Point the aliases at the new collections at the end (default)."
    ),
    click.option(
        "--live",
        is_flag=True,
        default=None,
        help="The application goes on writing: capture its changes, and apply them before the cutover.",
    ),
    PAUSE_OPTION,
    QUERIES_OPTION,
    *KEEP_OPTIONS,
    ALERTS_OPTION,
    *LOG_OPTIONS,
    *METRICS_OPTIONS,
)


def print_json(document: Any) -> None:
    """Writes the one JSON document of a command's standard output."""
    click.echo(json_text(document, indent=2))
