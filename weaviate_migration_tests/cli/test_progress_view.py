"""How progress is drawn: on terminals of any width and height, with few collections or many."""

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from weaviate_migration.cli.show.progress_lines import ProgressLines
from weaviate_migration.cli.show.progress_view import (
    SPARE_LINES,
    WIDE,
    ProgressView,
    collection_views,
    duration,
    most_telling,
)
from weaviate_migration.cli.show.terminal import can_redraw
from weaviate_migration.runs.steps import PhaseState, RunPhase
from weaviate_migration.work_folder.progress import Progress

NOW = 1_000.0
PHASES = (
    RunPhase("audit", PhaseState.DONE, 1, 1, 0.31),
    RunPhase("load", PhaseState.UNDER_WAY, 6, 2, 12.1),
    RunPhase("checks", PhaseState.TO_COME, 10, 0, 0.0),
)
LOADED = Progress("Message", 3470, 3470, began_at=NOW - 20, updated_at=NOW - 10, finished=True)
LOADING = Progress("Document", 1000, 250, refused=3, retried=14, updated_at=NOW, recent_per_second=50.0)


def drawn(view: ProgressView, width: int, height: int = 24) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, height=height).print(view)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_line_fits_the_width(width: int) -> None:
    names = ["AgentInteraction", "Message", "Document", "MultiModalContent"]
    view = ProgressView(PHASES, collection_views([LOADED, LOADING], names), NOW, "Migrating app.db")
    lines = drawn(view, width)
    assert max(map(cell_len, lines)) <= width
    assert lines[0].strip() == "Migrating app.db"
    assert lines[1].split("  ")[:3] == [" ✓ audit 0.3 s", "● load 2/6 12 s", "○ checks"]
    loading, loaded = (next(line for line in lines if name in line) for name in ("Document", "Message"))
    assert "━" in loading
    assert not any("…" in line for line in lines), "what there is no room for is left out, not cut off"
    rows = [["1,000"], ["3,470"]] if width >= WIDE else [[], []]
    assert loading.split()[-7 - len(rows[0]) :] == ["25", "%", *rows[0], "50", "15", "s", "3", "14"]
    assert loaded.split()[-5 - len(rows[1]) :] == ["100", "%", *rows[1], "347", "0", "0"]


def test_checks_take_the_place_of_the_load() -> None:
    checks = Progress("Message checks", 3470, 100)
    (view,) = collection_views([LOADED, checks], ["Message"])
    assert (view.name, view.stage, view.moving) == ("Message", "checking", checks)


def test_of_many_collections_those_that_move_are_shown() -> None:
    names = [f"C{number:02}" for number in range(40)]
    progress = [Progress(name, 10, 10, finished=True) for name in names[:20]]
    progress += [Progress(f"{name} checks", 10, 10, finished=True) for name in names[:20]]
    progress.append(Progress("C20", 10, 5))
    shown = most_telling(collection_views(progress, names), 4)
    assert [each.name for each in shown] == ["C20", "C21", "C22"]
    lines = drawn(ProgressView(PHASES, collection_views(progress, names), NOW), 80, height=10)
    assert len(lines) <= 10 - SPARE_LINES
    assert "C20" in lines[2]
    assert lines[-1].rstrip() == " … and 36 more"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.96, "10 s"), (59.7, "1:00"), (185, "3:05"), (7385, "2:03:05")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_lines_tell_only_what_has_changed() -> None:
    lines = ProgressLines()
    assert list(lines.changed(PHASES, [LOADED, LOADING], NOW)) == [
        "Phases: audit done (0.3 s), load under way (2 of 6, 12 s), checks to come",
        "Message: 3,470 of 3,470 rows (100 %, 347/s)",
        "Document: 250 of 1,000 rows (25 %, 50/s, 15 s left, 3 refused, 14 sent again)",
    ]
    later = Progress("Document", 1000, 260, refused=3, retried=14, updated_at=NOW + 1, recent_per_second=10.0)
    assert list(lines.changed(PHASES, [LOADED, later], NOW + 1)) == [
        "Document: 260 of 1,000 rows (26 %, 10/s, 1:14 left, 3 refused, 14 sent again)"
    ]
    assert list(lines.changed(PHASES, [LOADED, later], NOW + 2)) == []
    assert list(lines.changed(PHASES, [LOADED, later, Progress("Label", 0)], NOW + 3)) == ["Label: nothing to do"]


def test_nothing_moves_on_what_cannot_move(tmp_path: Path) -> None:
    """A file, even where colours are forced, gets no control sequences."""
    with (tmp_path / "log").open("w") as file:
        assert not can_redraw(Console(file=file, force_terminal=True))


def test_vectors_are_made_before_the_rows_are_loaded() -> None:
    making = Progress("Message vectors", 3470, 70, updated_at=NOW, recent_per_second=44.0)
    views = {each.name: each for each in collection_views([making, LOADING], ["Message", "Document", "Note"])}
    assert {name: each.stage for name, each in views.items()} == {
        "Message": "embedding",
        "Document": "loading",
        "Note": "waiting",
    }
    assert views["Message"].moving == making
    made = Progress("Document vectors", 1000, 1000, finished=True)
    assert [each.stage for each in collection_views([made], ["Document"])] == ["embedded"]
    assert [each.stage for each in collection_views([made, LOADING], ["Document"])] == ["loading"]
