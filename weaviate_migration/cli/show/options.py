"""The options that commands share, and how a command ends."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from weaviate_migration.cli.show.encoding import json_text

EPILOG = "Each option can come from the environment too: --sqlite-url is WEAVIATE_MIGRATION_SQLITE_URL, and so on."

Command = Callable[..., Any]


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Gives a command these options, in this order."""
    return lambda command: functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


MAPPING_OPTION = click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    help="A file or a preset that says what becomes what; default: the migration's own, or what fits the file.",
)
EXTRACTS_OPTION = click.option("--extracts", metavar="PATH", help="Any fsspec path; default: in the work folder.")
ALERTS_OPTION = click.option(
    "--alerts", metavar="FILE", type=click.Path(path_type=Path), help="Who is told of what goes wrong; default: nobody."
)
PAUSE_OPTION = click.option(
    "--allow-pause",
    is_flag=True,
    default=None,
    help="Let the application's writers wait for the snapshot over 2 s.",
)
MEMORY_OPTION = click.option(
    "--memory-limit-mb", type=int, help="What sorting and batches are sized by, and rows are limited by; default 1024."
)
KEEP_OPTIONS = (
    click.option("--keep-changes", type=int, help="Applied changes that stay in the log at most; default 100000."),
    click.option("--keep-hours", type=float, help="Applied changes that are older go from the log; default 168."),
)
SOURCE_OPTION = click.option("--sqlite-url", metavar="URL", help="A path, or a URL such as sqlite:////data/app.db.")
SOURCE_OPTIONS = (SOURCE_OPTION, MAPPING_OPTION)
SERVER_OPTION = click.option(
    "--weaviate-url", metavar="URL", help="embedded (default), embedded:DIR, or http(s)://host[:port]."
)
SERVER_OPTIONS = (
    SERVER_OPTION,
    click.option("--grpc-port", type=int, help="Default: 50051, for https 443."),
    click.option("--grpc-host", metavar="HOST", help="Where gRPC is served; default: the host of --weaviate-url."),
    click.option("--api-key", "weaviate_api_key", help="For a server that wants one; better in the environment."),
    click.option("--max-retries", type=int, help="How often a call that failed is made again; default 3."),
    click.option("--retry-delay", type=float, help="Seconds before it is made again, then doubled; default 1."),
)
# What means the same to every command about a file or its migration, so that a script can give it to each of them: what
# a migration on record has already is compared with it.
COMMON_OPTIONS = (
    click.option("--tenant", help="Migrate the rows of this tenant alone; default: all rows."),
    click.option("--prefix", help="Stands before the names of collections and aliases."),
    *SERVER_OPTIONS,
    MEMORY_OPTION,
    EXTRACTS_OPTION,
)
WORK_OPTIONS = (
    click.option("--work-dir", type=click.Path(path_type=Path), help="Default: .weaviate_migration."),
    click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output, and nothing else."),
)
MARKDOWN_OPTION = click.option("--markdown", metavar="FILE", help="Write Markdown into this file.")
LOG_OPTIONS = (
    click.option(
        "--log-level",
        type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], case_sensitive=False),
        help="The least level that is shown and written; default INFO.",
    ),
    click.option("--log-file", type=click.Path(path_type=Path), help="Log records as JSON lines."),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        help="Of the log records on standard error; default text. With json nothing else is shown there.",
    ),
)
METRICS_OPTIONS = (
    click.option("--metrics-port", type=int, help="Serve metrics for Prometheus at this port while it runs."),
    click.option("--metrics-address", help="On this address; default 127.0.0.1: no other machine reaches it."),
    click.option(
        "--metrics-file", type=click.Path(path_type=Path), help="Write metrics into this file, for node_exporter."
    ),
    click.option("--metrics-push-url", metavar="URL", help="Push metrics to this gateway, every 15 s and at the end."),
)
MIGRATE_OPTIONS = (
    click.option("--batch-size", type=int, help="Objects in a batch at most; default 100."),
    click.option("--validation-sample", "validation_sample_size", type=int, help="Rows to compare; default 1000."),
    click.option(
        "--parallel", "enable_parallel_processing", is_flag=True, default=None, help="Load collections side by side."
    ),
    click.option("--workers", "worker_count", type=int, help="Batches under way at once; default 4."),
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
    *KEEP_OPTIONS,
    ALERTS_OPTION,
    *LOG_OPTIONS,
    *METRICS_OPTIONS,
)


def print_json(document: Any) -> None:
    """Writes the one JSON document of a command's standard output."""
    click.echo(json_text(document, indent=2))
