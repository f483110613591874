"""`cutover`: readers to the new collections."""

from typing import Any

import click

from weaviate_migration.api.cutover import CutoverResult, cut_over_migration
from weaviate_migration.base.settings import CUTOVER_SECONDS, config_with_optional_source
from weaviate_migration.cli.show.options import (
    ALERTS_OPTION,
    COMMON_OPTIONS,
    EPILOG,
    LOG_OPTIONS,
    METRICS_OPTIONS,
    SOURCE_OPTIONS,
    WORK_OPTIONS,
    HeadedCommand,
    Seconds,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(
    *(*SOURCE_OPTIONS, *COMMON_OPTIONS),
    *(*LOG_OPTIONS, ALERTS_OPTION, *METRICS_OPTIONS, *WORK_OPTIONS),
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=Seconds(min=0),
    default=CUTOVER_SECONDS,
    show_default=True,
    help="Give up when the aliases cannot be moved by then.",
)
def cutover(as_json: bool, timeout: float, **options: Any) -> int:
    """Point the aliases at the migration's collections. Every blocking check has to have passed."""
    result = cut_over_migration(config_with_optional_source(**options), timeout)
    if as_json:
        print_json(result.to_dict())
    for text in result.errors:
        tell(f"error: {text}", stderr=True)
    for line in _moves(result):
        tell(line, stderr=True)
    if result.next_step:
        tell(result.next_step, stderr=True)
    return result.exit_code


def _moves(result: CutoverResult) -> list[str]:
    before = {alias: name or "nothing" for alias, name in result.previous_aliases.items()}
    return [f"{alias} → {name} (before: {before.get(alias, 'nothing')})" for alias, name in result.aliases.items()]
