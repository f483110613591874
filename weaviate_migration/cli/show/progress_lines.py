"""How far a run is where there is no terminal: now and then a line, for what has changed."""

from collections.abc import Iterable, Iterator, Sequence

from weaviate_migration.cli.show.progress_view import duration, rate, share, time_left
from weaviate_migration.runs.steps import PhaseState, RunPhase
from weaviate_migration.work_folder.progress import Progress


class ProgressLines:
    """Tells what has changed since the last time, in lines without colour or control sequences."""

    def __init__(self) -> None:
        self._states: list[PhaseState] = []
        self._handled: dict[str, int] = {}

    def changed(self, phases: Sequence[RunPhase], progress: Iterable[Progress], now: float) -> Iterator[str]:
        """A line for the phases, if another one has begun or ended, and one for each collection that has moved.

        Args:
            now: seconds since 1970.
        """
        states = [each.state for each in phases]
        if states != self._states and set(states) - {PhaseState.TO_COME}:
            self._states = states
            yield phases_line(phases)
        for each in progress:
            if self._handled.get(each.collection) != each.handled:
                self._handled[each.collection] = each.handled
                yield progress_line(each, now)


def phases_line(phases: Sequence[RunPhase]) -> str:
    """Such as `Phases: audit done (0.3 s), load under way (2 of 6, 12 s), checks to come`."""
    return f"Phases: {', '.join(map(_phase_text, phases))}"


def _phase_text(phase: RunPhase) -> str:
    if phase.state is PhaseState.TO_COME:
        return f"{phase.name} {phase.state}"
    steps = f"{phase.done} of {phase.steps}, " if phase.state is not PhaseState.DONE and phase.steps > 1 else ""
    return f"{phase.name} {phase.state} ({steps}{duration(phase.seconds)})"


def progress_line(progress: Progress, now: float) -> str:
    """Such as `Message: 1,200 of 3,470 rows (34 %, 812/s, 2.8 s left, 3 refused)`.

    An empty table has nothing to do, and so has one that was loaded in whole before.
    """
    if not progress.rows:
        return f"{progress.collection}: nothing to do"
    parts = [share(progress)]
    if per_second := rate(progress, now):
        parts.append(f"{per_second:,.0f}/s")
    if left := time_left(progress):
        parts.append(f"{left} left")
    parts += [f"{progress.refused:,} refused"] if progress.refused else []
    parts += [f"{progress.retried:,} sent again"] if progress.retried else []
    return f"{progress.collection}: {progress.handled:,} of {progress.rows:,} rows ({', '.join(parts)})"
