"""What a status says, as lines under names."""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from weaviate_migration.base.texts import rows_of_tables, size_text
from weaviate_migration.cli.show.vector_lines import vector_lines
from weaviate_migration.monitoring.status import MigrationStatus
from weaviate_migration.work_folder.folder import lacking_text
from weaviate_migration.work_folder.sync_positions import Standing

if TYPE_CHECKING:
    from weaviate_migration.runs.checks import FoundShare  # It takes Dagster.

Line = tuple[str, str]

# A screen has 24 lines: a collection may have many properties that are searched.
_SEARCHES_SHOWN = 3


def status_lines(found: MigrationStatus, of: Container[str] | None = None) -> Iterator[Line]:
    """What is known, a line each, under names that stand once.

    Args:
        of: only the lines of these names; None for all.
    """
    for name, lines in named_lines(found):
        if of is None or name in of:
            for place, line in enumerate(lines):
                yield "" if place else name, line


def status_grid(lines: Iterable[Line]) -> Table:
    """The lines as a terminal shows them: what is too long goes on under its own beginning."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=11)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(name, text)
    return grid


def print_status(found: MigrationStatus, console: Console) -> None:
    """Prints it: wrapped on a terminal, a line each elsewhere."""
    if console.is_terminal:
        console.print(status_grid(status_lines(found)))
        return
    print_lines(status_lines(found), console)


def print_lines(lines: Iterable[Line], console: Console) -> None:
    """Prints each as one line, however long it is."""
    for name, text in lines:
        console.print(f"{name:<12}{text}", soft_wrap=True)


def named_lines(found: MigrationStatus) -> Iterator[tuple[str, list[str]]]:
    """What is known: the lines under each name."""
    yield "phase", [found.phase]
    yield "under way", list(map(str, found.under_way))
    yield "migrations", [f"{migration} {state}" for migration, state in found.migrations.items()]
    if found.snapshot is not None:
        gone = "" if found.snapshot.is_there else ", removed"
        yield "snapshot", [f"{size_text(found.snapshot.bytes)}, {found.snapshot.taken_at}{gone}"]
    if found.migrations:
        yield "capture", [_capture_text(found.capture), *found.not_followed]
        yield "server", [found.server or "answers"]
    if found.replicas:
        counts = ", ".join(f"{replicas} of {name}" for name, replicas in found.replicas.items())
        yield "replicas", [f"{counts}; {found.consistency_level} of them take part"]
    yield "aliases", [f"{alias} → {collection or 'nothing'}" for alias, collection in found.aliases.items()]
    if found.checks:
        yield "checks", [", ".join(f"{number} {name}" for name, number in found.checks.items())]
    if found.searches:
        yield "searches", list(_search_texts(found.searches))
    if found.made_vectors:
        yield "vectors", list(vector_lines(found.made_vectors))
    if found.quarantined:
        yield "quarantine", [", ".join(f"{rows:,} of {alias}" for alias, rows in found.quarantined.items())]
    if found.lacking_vectors:
        yield "no vector", [lacking_text(found.lacking_vectors)]
    if found.passed_over:
        yield "passed over", [rows_of_tables(found.passed_over)]
    if found.parted_tables:
        yield "parted", [f"{table}: {told}" for table, told in found.parted_tables.items()]
    if found.disk:
        yield "disk", [", ".join(f"{name} {size_text(size)}" for name, size in found.disk.items())]
    yield "next", [found.next_step]


def _search_texts(shares: Sequence["FoundShare"]) -> Iterator[str]:
    """Each of a few; of many the one that finds least: `report` has all."""
    if len(shares) <= _SEARCHES_SHOWN:
        yield from (each.to_text() for each in shares)
    else:
        yield f"{min(shares, key=lambda each: each.share).to_text()}, the lowest of {len(shares):,}"


def _capture_text(capture: Standing | None) -> str:
    if capture is None:
        return "none: changes of the source are not followed"
    if capture.problem:
        return f"{capture.id}: {capture.problem}"
    applied = "nothing" if capture.applied is None else f"up to {capture.applied}"
    return (
        f"{capture.id}: applied {applied} of {capture.newest}; {capture.changes:,} changes and "
        f"{capture.seconds:.1f} s behind"
    )
