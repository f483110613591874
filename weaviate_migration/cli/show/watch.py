"""`status --watch`: the status, and the progress of a run that is under way, again and again."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from weaviate_migration.api.status import read_status
from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.cli.show.progress_lines import ProgressLines
from weaviate_migration.cli.show.progress_view import ProgressView, collection_views
from weaviate_migration.cli.show.run_look import Look, RunLook, looking_at
from weaviate_migration.cli.show.status_lines import named_lines, print_lines, status_grid, status_lines
from weaviate_migration.cli.show.terminal import can_redraw
from weaviate_migration.monitoring.status import MigrationStatus
from weaviate_migration.runs.steps import run_under_way
from weaviate_migration.work_folder.folder import WorkFolder

# The status asks the server, and reads what all checks said last: once in a while, and when something has happened.
SECONDS_BETWEEN_STATUS = 10.0
# While a run is under way its own picture needs the room.
_BESIDE_A_RUN = ("phase", "under way", "capture", "quarantine")


@dataclass(frozen=True)
class Sight:
    """What a watcher sees at a moment.

    Attributes:
        look: at the run that is under way; None where there is none.
        expected: the collections that the run is about.
    """

    status: MigrationStatus
    look: Look | None = None
    expected: tuple[str, ...] = ()


def watch_status(config: MigrationConfig, seconds: float, console: Console) -> None:
    """Shows the status again and again until Ctrl-C: in place on a terminal, elsewhere what has changed.

    Args:
        seconds: between two looks.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed a second time, before the look that was under way had ended.
    """
    show = _show_in_place if can_redraw(console) else _show_changes
    with _stopped_by_ctrl_c() as stop:
        show(sights(config, seconds, stop), console)


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets.

    An exception in the middle of a look may be lost: Python drops what is raised in a finalizer or in a callback from
    C, and the watching would go on. A second Ctrl-C raises it at once.
    """
    stop = threading.Event()

    def ended(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()

    before = signal.signal(signal.SIGINT, ended)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def sights(config: MigrationConfig, seconds: float, stop: threading.Event) -> Iterator[Sight]:
    """What there is to see, every so many seconds, until told to stop; nothing is started for it."""
    status, states, read_at, was_running = None, None, 0.0, False
    records = WorkFolder.of(config).records
    with ExitStack() as stack:
        run: RunLook | None = None
        while not stop.is_set():
            found = {record.id: record.state for record in records.all()}
            if run is None and (newest := records.newest_in_use()) is not None:
                # Before a migration is on record, Dagster's storage may just be in the making.
                run = stack.enter_context(looking_at(config, run_under_way, newest.prefix))
            look = run.now() if run is not None else None
            running = look is not None and bool(look.phases)
            if status is None or (found, running) != (states, was_running) or _is_old(read_at):
                status, read_at = read_status(config), time.monotonic()
            states, was_running = found, running
            yield Sight(status, look, tuple(run.expected)) if run is not None and running else Sight(status)
            stop.wait(seconds)


def _is_old(read_at: float) -> bool:
    return time.monotonic() - read_at >= SECONDS_BETWEEN_STATUS


def _show_in_place(sights: Iterator[Sight], console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:
        for sight in sights:
            live.update(_drawn(sight), refresh=True)


def _drawn(sight: Sight) -> Group:
    hint = Text("Ctrl-C ends the watching, and nothing else.", style="dim")
    if sight.look is None:
        return Group(status_grid(status_lines(sight.status)), hint)
    beside = status_lines(sight.status, of=_BESIDE_A_RUN)
    collections = collection_views(sight.look.progress, sight.expected)
    title = f"Migration {sight.status.migration_id}, under way"
    return Group(status_grid(beside), ProgressView(sight.look.phases, collections, sight.look.now, title), hint)


def _show_changes(sights: Iterator[Sight], console: Console) -> None:
    lines = ProgressLines()
    told: dict[str, list[str]] = {}
    for sight in sights:
        now = dict(named_lines(_without_clock(sight.status)))
        if sight.look is not None:
            del now["next"]  # What comes next is not for a person to do.
        changed = {name for name, text in now.items() if told.get(name) != text}
        told |= now
        print_lines(status_lines(sight.status, of=changed), console)
        if sight.look is not None:
            for line in lines.changed(sight.look.phases, sight.look.progress, sight.look.now):
                console.print(line, soft_wrap=True)


def _without_clock(status: MigrationStatus) -> MigrationStatus:
    """What has changed if it differs: not the age of the oldest change, and not how much of the disk is taken."""
    capture = replace(status.capture, seconds=0.0) if status.capture is not None else None
    return replace(status, capture=capture, disk=dict.fromkeys(status.disk, 0))
