"""`demo`: a file made on the spot, migrated and searched."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import click
from rich.console import Console

from weaviate_migration.cli.consoles import plain_console
from weaviate_migration.cli.migrate import report_result, run_with_progress
from weaviate_migration.cli.options import EPILOG, MIGRATE_OPTIONS, SERVER_OPTIONS, WORK_OPTIONS, with_options
from weaviate_migration.settings import MigrationConfig, create_migration_config
from weaviate_migration.target.connect import open_weaviate, parse_weaviate_url
from weaviate_migration.tour import SearchShown, demo_searches, make_demo_file


@click.command(epilog=EPILOG)
@with_options(*SERVER_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def demo(as_json: bool, **options: Any) -> int:
    """Make a demo file from Python's own documentation, migrate it, and search what came out."""
    config = create_migration_config("demo", **options)
    config = config.model_copy(update={"sqlite_url": str(make_demo_file(config.work_dir))})
    with ExitStack() as stack:
        target = parse_weaviate_url(config.weaviate_url, config.grpc_port)
        client = stack.enter_context(open_weaviate(target, config.work_dir.absolute(), config.weaviate_api_key))
        result = run_with_progress(config)
        code = report_result(result, as_json)
        if result.success and not as_json and not config.dry_run and config.cutover:
            _show_searches(demo_searches(client, config.prefix), config, plain_console(stderr=True))
    return code


def _show_searches(searches: Iterable[SearchShown], config: MigrationConfig, console: Console) -> None:
    """The demo's searches and their first hits, and where to look next."""
    for search in searches:
        console.print(f"\nBM25 search in {search.alias}: “{search.query}”", style="bold")
        for hit in search.hits:
            console.print(f"  {hit.score:5.2f}  {hit.excerpt}")
    console.print(
        f"\nWhere to look next: `make ui` shows this run, its assets and checks in Dagster's UI; "
        f"`weaviate-migration audit --sqlite-url {config.sqlite_url}` what the file holds.",
        highlight=False,
        soft_wrap=True,
    )
