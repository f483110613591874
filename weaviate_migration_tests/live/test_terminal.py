"""What a person sees in a real terminal of 80 columns and 24 lines: while it runs, at its end, and from beside it."""

import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from weaviate_migration.demo import DemoCounts, write_demo_file
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.live.command_line import Ended, at, empty, end_of, started, until
from weaviate_migration_tests.live.notes import NoteMigration, note_file
from weaviate_migration_tests.live.tmux import Terminal, terminal

TABLES = {
    "AgentInteraction": "agent_interactions",
    "Conversation": "conversations",
    "Document": "documents",
    "DocumentChunk": "document_chunks",
    "Message": "messages",
    "MultiModalContent": "multimodal_content",
}
# So small are the batches that the larger collections take seconds: progress is written once a second.
SLOWLY = ("--batch-size", 5, "--workers", 1)
# So many that they take seconds by far: the screen is looked at from outside, and Ctrl-C is pressed, meanwhile.
ROWS = 12_000
# A collection that is being loaded: its bar, share, rows, rows a second, time left, and no row refused or sent again.
LOADING = re.compile(r"(\w+) +loading +[━╸╺]+ +\d+ % +[\d,]+ +[\d,]+ +[\d.:]+(?: s)? +0 +0")
ALIASES = "aliases +(?:AgentInteraction|Conversation)"
COLOUR = re.compile(r"\x1b\[[\d;]*\b(?:3[0-8]|9[0-7])[\d;]*m")


@dataclass
class Watched:
    """A migration of the shipped mapping, and what was to be seen of it.

    Attributes:
        file: how many rows its tables have: as many as this Python's documentation gives.
        loading, watched_loading: the screens of `migrate` and of `status --watch` while rows were under way.
        summary, watched_summary: those at the end.
        piped: what a `status --watch` said that had no terminal.
    """

    file: DemoCounts
    code: int
    loading: list[str]
    summary: list[str]
    watched_loading: list[str]
    watched_summary: list[str]
    watch_code: int
    piped: Ended


def screen_with(shell: Terminal, *patterns: re.Pattern[str]) -> list[str]:
    """The first screen that has a line like each of these: it may be looked at while it is drawn."""
    screens: list[list[str]] = []

    def seen() -> bool:
        screens[:] = [shell.screen()]
        return all(any(pattern.search(line) for line in screens[0]) for pattern in patterns)

    until(seen)
    return screens[0]


def said_until(watcher: "subprocess.Popen[str]", text: str) -> str:
    """What a command says until a line has this text."""
    assert watcher.stdout is not None
    told = ""
    while text not in told:
        line = watcher.stdout.readline()
        assert line, f"it ended before it said {text}:\n{told}\n{end_of(watcher).stderr}"
        told += line
    return told


def ended_by_ctrl_c(watcher: "subprocess.Popen[str]", told: str) -> Ended:
    """Presses Ctrl-C; `told` is what it has said before."""
    watcher.send_signal(signal.SIGINT)
    rest = end_of(watcher)
    return rest._replace(stdout=told + rest.stdout)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("terminal")
    counts = write_demo_file(folder / "demo.sqlite")
    of_work = ["--work-dir", folder / "work", *at(server)]
    watching = ["status", "--watch", "--interval", 0.2, *of_work]
    with connect(server, None) as client:
        empty(client)
    with terminal(folder / "left") as shell, terminal(folder / "right") as beside, started(*watching) as piped:
        beside.run(*watching)
        until(lambda: beside.shows("not begun"))
        told = said_until(piped, "not begun")
        shell.run("migrate", "--sqlite-url", folder / "demo.sqlite", *of_work, *SLOWLY)
        whole = LOADING, *map(re.compile, TABLES)
        loading = screen_with(shell, *whole)
        watched_loading = screen_with(beside, *whole)
        code = shell.exit_code()
        watched_summary = screen_with(beside, *map(re.compile, ("cut over", "cleanup", ALIASES)))
        beside.press("C-c")
        ended = ended_by_ctrl_c(piped, told + said_until(piped, "cut over"))
        yield Watched(
            counts, code, loading, shell.screen(), watched_loading, watched_summary, beside.exit_code(), ended
        )


def test_all_collections_and_phases_are_seen_at_once(watched: Watched) -> None:
    for screen in (watched.loading, watched.watched_loading):
        shown = "\n".join(screen)
        headings = " ".join(shown.split())
        assert "collection rows rows/s left refused retried" in headings, shown
        assert [name for name in TABLES if name not in shown] == [], shown
        assert re.search(r"✓ audit [\d.]+ s +✓ schema [\d.]+ s +✓ snapshot [\d.]+ s", headings), shown
        assert re.search(r"● load \d/6 [\d.]+ s", headings), shown
        assert "○ checks ○ cutover" in headings, shown


def test_the_summary_fits_the_screen_and_says_what_is_next(watched: Watched) -> None:
    summary = watched.summary
    shown = "\n".join(summary)
    assert watched.code == 0, shown
    assert (summary[-1], len(summary) <= 24) == ("done [0]>", True)
    # The progress has gone, and nothing of the summary has scrolled away or is broken within a word.
    assert "rows/s" not in shown
    told = " ".join(shown.split())
    rows = f"{sum(getattr(watched.file, table) for table in TABLES.values()):,}"
    assert re.search(r"Migration \d+T\d+_[0-9a-f]{8} collection table rows migrated refused checks", told), shown
    assert [name for name in TABLES if not re.search(rf"^{name} .* \d+/\d+$", shown, re.MULTILINE)] == []
    assert "warning: Conversation: table `conversations` has no column `user_id`;" in told
    assert re.search(rf"Phases: connect .*audit .*load .*cutover [\d.]+ s Done: {rows} of {rows} rows in", told), shown
    assert "Readers find the new collections under the aliases. `weaviate-migration rollback` leads back" in told


def test_a_watcher_sees_the_end_and_ctrl_c_ends_it(watched: Watched) -> None:
    shown = "\n".join(watched.watched_summary)
    assert ", under way" not in shown
    assert re.search(ALIASES, shown), shown
    assert watched.watch_code == 0


def test_a_watcher_without_terminal_tells_what_changes(watched: Watched) -> None:
    told = watched.piped.stdout
    assert watched.piped.code == 0, watched.piped.stderr
    assert "\x1b" not in told
    phases = [line.split(maxsplit=1)[1] for line in told.splitlines() if line.startswith("phase ")]
    assert phases == list(dict.fromkeys(phases)), "what has not changed is told once"
    assert (phases[0], phases[-1]) == ("not begun", "cut over")
    assert re.search(r"^Phases: .*load under way \(\d of 6, ", told, re.MULTILINE), told
    assert re.search(rf"^Message: [\d,]+ of {watched.file.messages:,} rows \(", told, re.MULTILINE), told


def test_ctrl_c_leaves_how_far_it_was_and_no_colour_is_used(notes: NoteMigration) -> None:
    """And the same of a run in several processes, in colour: all that they print goes above the one picture."""
    notes.source.unlink()
    note_file(notes.source, ROWS)
    with terminal(notes.folder / "shell") as shell:
        shell.run("migrate", *notes.options, *SLOWLY, NO_COLOR="1")
        screen_with(shell, LOADING)
        until(lambda: "rows/s" in shell.styled_screen())
        assert not COLOUR.search(shell.styled_screen())
        left = left_by_ctrl_c(shell)
        assert LOADING.search(left), left
        shell.run("migrate", *notes.options, "--batch-size", 5, "--workers", 2, "--parallel")
        screen_with(shell, re.compile(r"✓ audit .*✓ schema"))
        until(lambda: COLOUR.search(shell.styled_screen()) is not None)
        assert re.search("✓ audit .*✓ schema", left_by_ctrl_c(shell))


def left_by_ctrl_c(shell: Terminal) -> str:
    """What is on the screen after Ctrl-C: one picture, how to go on, and no stack trace of any process."""
    shell.press("C-c")
    assert shell.exit_code() == 130
    shown = "\n".join(shell.screen())
    assert "The migration stays unfinished; the same command goes on with it." in shown
    assert shown.count(" Migrating ") == 1, shown
    assert "Traceback" not in shown, shown
    return shown
