"""Shows how far a command is while it runs: in place on a terminal, now and then a line elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from weaviate_migration.base.settings import MigrationConfig
from weaviate_migration.cli.show.progress_lines import ProgressLines
from weaviate_migration.cli.show.progress_view import ProgressView, collection_views, duration
from weaviate_migration.cli.show.run_look import Look, RunLook, looking_at
from weaviate_migration.cli.show.terminal import can_redraw, printed_above
from weaviate_migration.mapping import Mapping
from weaviate_migration.runs.steps import run_of_this_process
from weaviate_migration.source.plan import MigrationPlan

SECONDS_BETWEEN_FRAMES = 0.5
SECONDS_BETWEEN_LINES = 5.0


@dataclass
class _Showing:
    """A run whose progress is shown, from its beginning to its end.

    Attributes:
        title: what it does.
        prefix: of the aliases that it fills; None where it fills none.
        began: the run is about to begin, and Dagster's storage is made.
        ended: there will be no more to see.
        interrupted: it was ended by Ctrl-C.
        mapping: of a migration that begins; of one that is on record already, it is there.
    """

    config: MigrationConfig
    title: str
    prefix: str | None
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    interrupted: bool = False
    mapping: Mapping | None = None

    def begin(self, plan: MigrationPlan | None = None) -> None:
        """The run is about to begin; where it is a migration, with this plan."""
        self.mapping = plan.mapping if plan is not None else None
        self.began.set()

    def looks(self, seconds: float) -> Iterator[tuple[Look, RunLook]]:
        """A look now and then, and a last one when it is over; none of a run that never began."""
        since = datetime.now(UTC)
        while not self.began.is_set():
            if self.ended.wait(SECONDS_BETWEEN_FRAMES) and not self.began.is_set():
                return
        with looking_at(self.config, run_of_this_process(since), self.prefix, self.mapping) as run:
            while not self.ended.wait(seconds):
                yield run.now(), run
            yield run.now(at_once=True), run


@contextmanager
def shown_progress(
    config: MigrationConfig, console: Console, title: str, prefix: str | None
) -> Iterator[Callable[..., None]]:
    """Shows how far each phase and each collection is while the block runs.

    Args:
        title: what the run does.
        prefix: of the aliases that the run fills; None where it fills none.

    Yields:
        What is to be called when the run is about to begin.
    """
    showing, in_place = _Showing(config, title, prefix), can_redraw(console)
    show = _show_frames if in_place else _show_lines
    thread = threading.Thread(target=show, args=(showing, console), name="progress", daemon=True)
    thread.start()
    try:
        with printed_above(console) if in_place else nullcontext():
            yield showing.begin
    except KeyboardInterrupt:
        showing.interrupted = True
        raise
    finally:
        showing.ended.set()
        thread.join()


def _show_frames(showing: _Showing, console: Console) -> None:
    began = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for look, run in showing.looks(SECONDS_BETWEEN_FRAMES):
            title = f"{showing.title}, {duration(time.monotonic() - began)}"
            view = ProgressView(look.phases, collection_views(look.progress, run.expected), look.now, title)
            # The terminal itself writes `^C` behind the last line, which must have room for it.
            live.update(Group(view, Text()), refresh=True)
        # A summary follows, but not after Ctrl-C: then it is worth keeping how far it was.
        live.transient = not showing.interrupted


def _show_lines(showing: _Showing, console: Console) -> None:
    lines = ProgressLines()
    for look, _ in showing.looks(SECONDS_BETWEEN_LINES):
        for line in lines.changed(look.phases, look.progress, look.now):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
