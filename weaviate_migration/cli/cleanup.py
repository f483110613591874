"""`cleanup`: the end of a migration."""

import sys
from typing import Any

import click

from weaviate_migration.api.cleanup import clean_up_migrations
from weaviate_migration.base.settings import config_with_optional_source
from weaviate_migration.base.texts import size_text
from weaviate_migration.cli.show.options import (
    EPILOG,
    MIGRATION_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.cli.show.terminal import tell
from weaviate_migration.phases.cutover.cleanup import CleanupPlan

NOT_AGREED = 1


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(*MIGRATION_OPTIONS)
@click.option("--keep", type=click.IntRange(min=0), default=0, help="Keep so many of the newest older versions.")
@click.option("--force", is_flag=True, help="Also before a cutover, with what an unfinished migration has made.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def cleanup(as_json: bool, keep: int, force: bool, yes: bool, **options: Any) -> int:
    """Remove older versions, change capture and snapshots. They are listed first, and extracts go, too."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask on: --yes removes without asking.")

    def agree(plan: CleanupPlan) -> bool:
        for line in _lines(plan):
            tell(line, stderr=True)
        return yes or click.confirm("Remove all this?", err=True)

    result = clean_up_migrations(config_with_optional_source(**options), agree, keep=keep, force=force)
    if as_json:
        print_json(result.to_dict())
    click.echo("Removed." if result.removed else "Nothing was removed.", err=True)
    return 0 if result.removed else NOT_AGREED


def _lines(plan: CleanupPlan) -> list[str]:
    if plan.is_empty:
        return ["Nothing is left to remove."]
    return [
        *(f"collection {each.name}: {each.objects:,} objects" for each in plan.collections),
        *(f"{kind}: {size_text(size)}" for kind, size in plan.files.items() if size),
        *([f"change capture {plan.capture} in the SQLite file"] if plan.capture else []),
        *(f"kept: collection {name}" for name in plan.kept),
    ]
