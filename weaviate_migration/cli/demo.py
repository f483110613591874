"""`demo`: a file made on the spot, migrated and searched."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import click
from rich.console import Console

from weaviate_migration.base.settings import MigrationConfig, create_migration_config
from weaviate_migration.cli.migrate import report_result, run_with_progress
from weaviate_migration.cli.show.options import (
    COMMON_OPTIONS,
    EPILOG,
    MIGRATE_OPTIONS,
    WORK_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.summary import show_result
from weaviate_migration.cli.show.terminal import plain_console, print_text
from weaviate_migration.demo.static_model import INSTALL_HINT, package_folder
from weaviate_migration.demo.tour import LiveTour, SearchShown, demo_searches, make_demo_file, tour_live
from weaviate_migration.demo.vector_mapping import MODEL, write_demo_mapping
from weaviate_migration.mapping import read_mapping
from weaviate_migration.target.connect import open_weaviate
from weaviate_migration.target.weaviate_url import configured_target
from weaviate_migration.vectors.open_provider import open_provider
from weaviate_migration.vectors.provider import EmbeddingProvider


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*COMMON_OPTIONS, *MIGRATE_OPTIONS, *WORK_OPTIONS)
def demo(as_json: bool, **options: Any) -> int:
    """Make a demo file, migrate it, and search what came out. It is made from Python's own documentation.

    With --live an application writes to the file all the while, and what it wrote is looked for at the end.
    """
    config = create_migration_config("demo", **options)
    config = config.model_copy(update={"sqlite_url": str(make_demo_file(config.work_dir))})
    if config.mapping is None:
        config = _with_vectors(config)
    target = configured_target(config)
    switches = config.cutover and not config.dry_run
    with open_weaviate(target, config.work_dir.absolute(), config.weaviate_api_key, config) as client:
        if config.live and switches:
            code = _report_tour(tour_live(config, client, run_with_progress), as_json)
        else:
            code = report_result(run_with_progress(config), as_json)
        if code == 0 and switches and not as_json:
            with _model_of(config) as model:
                _show_searches(demo_searches(client, config.prefix, model), config, plain_console(stderr=True))
    return code


def _with_vectors(config: MigrationConfig) -> MigrationConfig:
    """The same with the demo's own mapping; without the model's package as it is, which is said."""
    if package_folder() is None:
        print_text(plain_console(stderr=True), f"No vectors are made, and none searched: {INSTALL_HINT}")
        return config
    return config.model_copy(update={"mapping": write_demo_mapping(config.work_dir.absolute())})


@contextmanager
def _model_of(config: MigrationConfig) -> Iterator[EmbeddingProvider | None]:
    """The model that has made the demo's vectors; None where there are none."""
    model = read_mapping(config.mapping).models.get(MODEL) if config.mapping is not None else None
    if model is None:
        yield None
        return
    with closing(open_provider(model)) as provider:
        yield provider


def _report_tour(tour: LiveTour, as_json: bool) -> int:
    """Shows what became of the migration and of the changes, and returns the exit code."""
    if as_json:
        print_json(tour.to_dict())
    console = plain_console(stderr=True)
    show_result(tour.migration, console)
    if tour.cutover is not None:
        for text in tour.cutover.errors:
            print_text(console, f"error: {text}", "red")
        print_text(console, _changes_text(tour))
    return tour.exit_code


def _changes_text(tour: LiveTour) -> str:
    made = f"Meanwhile the application made {tour.changes:,} changes to {tour.messages:,} messages"
    if tour.cutover is None or tour.cutover.switch_seconds is None:
        return f"{made}."
    return (
        f"{made}; applied: {tour.messages - len(tour.lost):,} messages are in Weaviate as it left them; lost: "
        f"{len(tour.lost):,}. The switch of the readers took {1000 * tour.cutover.switch_seconds:.0f} ms."
    )


def _show_searches(searches: Iterable[SearchShown], config: MigrationConfig, console: Console) -> None:
    """The demo's searches and their first hits, and where to look next."""
    for search in searches:
        console.print(f"\n{search.kind} search in {search.alias}: “{search.query}”", style="bold")
        for hit in search.hits:
            print_text(console, f"  {hit.score:5.2f}  {hit.excerpt}")
    print_text(
        console,
        f"\nWhere to look next: `make ui` shows this run, its assets and checks in Dagster's UI; "
        f"`weaviate-migration audit --sqlite-url {config.sqlite_url}` what the file holds.",
    )
