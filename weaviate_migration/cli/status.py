"""`status`: how far it is, and what to do next."""

from collections.abc import Iterator
from typing import Any

import click
from rich.filesize import decimal

from weaviate_migration.cli.options import (
    EPILOG,
    EXTRACTS_OPTION,
    MAPPING_OPTION,
    SERVER_OPTIONS,
    WORK_OPTIONS,
    print_json,
    with_options,
)
from weaviate_migration.settings import create_migration_config
from weaviate_migration.status import FollowedChanges, MigrationStatus, read_status


@click.command(epilog=EPILOG)
@with_options(MAPPING_OPTION, *SERVER_OPTIONS, EXTRACTS_OPTION, *WORK_OPTIONS)
def status(as_json: bool, **options: Any) -> int:
    """Show phase, positions, aliases, checks and disk use, and what the next command is."""
    found = read_status(create_migration_config("", **options))
    if as_json:
        print_json(found.to_dict())
    else:
        for name, text in _lines(found):
            click.echo(f"{name:<12}{text}")
    return 0


def _lines(found: MigrationStatus) -> Iterator[tuple[str, str]]:
    """What is known, a line each, under names that stand once."""
    yield "phase", found.phase
    for place, (migration, state) in enumerate(found.migrations.items()):
        yield "" if place else "migrations", f"{migration} {state}"
    if found.snapshot is not None:
        gone = "" if found.snapshot.is_there else ", removed"
        yield "snapshot", f"{decimal(found.snapshot.bytes)}, {found.snapshot.taken_at}{gone}"
    if found.migrations:
        yield "capture", _capture_text(found.capture)
        yield "server", found.server or "answers"
    for place, (alias, collection) in enumerate(found.aliases.items()):
        yield "" if place else "aliases", f"{alias} → {collection or 'nothing'}"
    if found.checks:
        yield "checks", ", ".join(f"{number} {name}" for name, number in found.checks.items())
    if found.quarantined:
        yield "quarantine", ", ".join(f"{rows:,} of {alias}" for alias, rows in found.quarantined.items())
    if found.disk:
        yield "disk", ", ".join(f"{name} {decimal(size)}" for name, size in found.disk.items())
    yield "next", found.next_step


def _capture_text(capture: FollowedChanges | None) -> str:
    if capture is None:
        return "none: changes of the source are not followed"
    if capture.problem:
        return f"{capture.id}: {capture.problem}"
    applied = "nothing" if capture.applied is None else f"up to {capture.applied}"
    return (
        f"{capture.id}: applied {applied} of {capture.newest}; {capture.changes:,} changes and "
        f"{capture.seconds:.1f} s behind"
    )
