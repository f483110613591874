"""How far a run is, as it is drawn on a terminal: its phases, and a line with a bar for each collection."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from weaviate_migration.runs.steps import PhaseState, RunPhase
from weaviate_migration.work_folder.progress import CHECKS, VECTORS, Progress

# On a narrower terminal what can be spared is left out, so that the bars stay.
WIDE = 76
# Lines for log records and the prompt.
SPARE_LINES = 3
_MARKS = {
    PhaseState.DONE: ("✓", "+", "green"),
    PhaseState.UNDER_WAY: ("●", "*", "cyan"),
    PhaseState.FAILED: ("✗", "!", "red"),
    PhaseState.TO_COME: ("○", "-", "dim"),
}


@dataclass(frozen=True)
class CollectionView:
    """What is shown of one collection.

    Attributes:
        stage: `waiting`, `embedding`, `embedded`, `loading`, `loaded`, `checking` or `checked`.
        moving: the progress that its bar shows; None while it waits.
        refused, retried: of its load.
    """

    name: str
    stage: str
    moving: Progress | None = None
    refused: int = 0
    retried: int = 0


def collection_views(progress: Iterable[Progress], expected: Iterable[str]) -> list[CollectionView]:
    """What is to be shown, collection by collection: the expected ones first, then others that have progress."""
    by_name = {each.collection: each for each in progress}
    names = dict.fromkeys([*expected, *(name.removesuffix(CHECKS).removesuffix(VECTORS) for name in by_name)])
    return [_collection_view(name, by_name) for name in names]


def _collection_view(name: str, progress: Mapping[str, Progress]) -> CollectionView:
    load, checks = progress.get(name), progress.get(name + CHECKS)
    refused, retried = (load.refused, load.retried) if load is not None else (0, 0)
    if checks is not None:
        return CollectionView(name, "checked" if checks.finished else "checking", checks, refused, retried)
    if load is not None:
        return CollectionView(name, "loaded" if load.finished else "loading", load, refused, retried)
    if (vectors := progress.get(name + VECTORS)) is not None:
        return CollectionView(name, "embedded" if vectors.finished else "embedding", vectors)
    return CollectionView(name, "waiting")


@dataclass(frozen=True)
class ProgressView:
    """The whole picture, made to fit the terminal it is drawn on.

    Attributes:
        title: stands above; '' for none.
        now: seconds since 1970, which rates and times left are of.
        lines: how many it may take; None for all of the terminal.
    """

    phases: Sequence[RunPhase]
    collections: Sequence[CollectionView]
    now: float
    title: str = ""
    lines: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich asks for it when it draws."""
        phases = list(packed(map(_phase_text, self.phases, [options.ascii_only] * len(self.phases)), options.max_width))
        if self.title:
            yield Text(f" {self.title}", style="bold", no_wrap=True, overflow="ellipsis")
        yield from phases
        room = (self.lines or console.height - SPARE_LINES) - len(phases) - 1 - bool(self.title)
        shown = most_telling(self.collections, max(1, room))
        if shown:
            yield _collections_table(shown, self.now, wide=options.max_width >= WIDE)
        if hidden := len(self.collections) - len(shown):
            yield Text(f" … and {hidden} more", style="dim")


def most_telling(collections: Sequence[CollectionView], room: int) -> list[CollectionView]:
    """As many as there is room for, in their order: those that move before those to come, and these before the others.

    One line less where some are left out, to say so.
    """
    if len(collections) <= room:
        return list(collections)
    urgency = {"embedding": 0, "loading": 0, "checking": 0, "waiting": 1, "embedded": 1, "loaded": 1, "checked": 2}
    chosen = sorted(collections, key=lambda each: urgency[each.stage])[: max(1, room - 1)]
    return [each for each in collections if each in chosen]


def packed(texts: Iterable[Text], width: int) -> Iterator[Text]:
    """Puts as many texts on a line as fit, none of them broken."""
    line = Text(" ")
    for text in texts:
        if len(line) > 1 and cell_len(line.plain) + cell_len(text.plain) > width:
            yield line
            line = Text(" ")
        line = line + text + "  "
    if len(line) > 1:
        yield line


def _phase_text(phase: RunPhase, ascii_only: bool) -> Text:
    """Such as `✓ audit 0.3 s` or `● load 2/6 12.1 s`."""
    mark, plain_mark, style = _MARKS[phase.state]
    steps = f" {phase.done}/{phase.steps}" if phase.state is PhaseState.UNDER_WAY and phase.steps > 1 else ""
    seconds = "" if phase.state is PhaseState.TO_COME else f" {duration(phase.seconds)}"
    return Text(f"{plain_mark if ascii_only else mark} {phase.name}{steps}{seconds}", style=style)


def duration(seconds: float) -> str:
    """Such as `0.3 s`, `42 s`, `3:05` or `2:03:05`."""
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _collections_table(collections: Sequence[CollectionView], now: float, *, wide: bool) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=20)
    if wide:
        table.add_column(no_wrap=True)
    table.add_column(ratio=1, min_width=5)
    # As wide as what mostly stands there: bars that change their length all the time are no bars.
    for width in (5, *((9,) if wide else ()), 6, 5, 7, 7):
        table.add_column(justify="right", no_wrap=True, min_width=width)
    figures = ("", *(("rows",) if wide else ()), "rows/s", "left", "refused", "retried")
    heading = (" collection", *(("",) if wide else ()), "", *figures)
    table.add_row(*(Text(text, style="bold") for text in heading))
    for each in collections:
        table.add_row(*_cells(each, now, wide=wide))
    return table


def _cells(view: CollectionView, now: float, *, wide: bool) -> Iterator[Text | ProgressBar]:
    moving = view.moving
    yield Text(f" {view.name}", style="dim" if moving is None else "")
    if wide:
        yield Text(view.stage, style=_stage_style(view))
    if moving is None:
        yield Text()
    else:
        yield ProgressBar(total=max(1, moving.rows), completed=moving.handled if moving.rows else 1, width=None)
    yield Text(share(moving) if moving is not None else "")
    if wide:
        yield Text(f"{moving.rows:,}" if moving is not None else "")
    yield Text(f"{rate(moving, now):,.0f}" if moving is not None else "")
    yield Text(time_left(moving) if moving is not None else "")
    yield Text(f"{view.refused:,}" if moving is not None else "", style="red" if view.refused else "")
    yield Text(f"{view.retried:,}" if moving is not None else "", style="yellow" if view.retried else "")


def _stage_style(view: CollectionView) -> str:
    return {"waiting": "dim", "checked": "green"}.get(view.stage, "")


def share(progress: Progress) -> str:
    """The handled rows in percent; 100 only when all are."""
    return f"{100 * progress.handled // progress.rows if progress.rows else 100} %"


def rate(progress: Progress, now: float) -> float:
    """Rows a second: of the last seconds, or on average once it has ended."""
    return (progress.average_per_second or 0.0) if progress.finished else progress.per_second_at(now)


def time_left(progress: Progress) -> str:
    """How long it will take at the present rate; '' where that cannot be said, or nothing is left."""
    left = progress.eta_seconds
    return "" if left is None or progress.finished else duration(left)
