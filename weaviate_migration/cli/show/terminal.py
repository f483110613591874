"""The terminal: consoles that print everything as it is, what fits on a screen, standard error in one place."""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from weaviate_migration.base.texts import printable

# The command itself, which stands above, and the prompt below.
LINES_OF_SHELL = 2
# How long to wait for the last lines of child processes, which end with the block.
SECONDS_FOR_THE_REST = 1.0


class TextConsole(Console):
    """A console whose texts are texts: no control character of a key, a name or a message of others is obeyed."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """As rich does it, the control characters in texts escaped; those that rich itself sends stay."""
        for each in super().render(renderable, options):
            yield each if each.control else Segment(printable(each.text), each.style)


def plain_console(*, stderr: bool = False) -> Console:
    """A console that shows what stands in brackets, and colours nothing that it was not asked to.

    Keys, values, names of tables and messages of others are shown: rich would take `[b]` in them for its own markup,
    and fail at `[/b]`.
    """
    return TextConsole(stderr=stderr, markup=False, highlight=False)


def print_text(console: Console, text: str | Text, style: str = "") -> None:
    """Prints sentences: a terminal gets them broken between words, a file each in one line."""
    told = Text(text) if isinstance(text, str) else text
    console.print(told, style=style, soft_wrap=not console.is_terminal)


def tell(text: str, *, stderr: bool = False) -> None:
    """Prints sentences where a command has no console of its own."""
    print_text(plain_console(stderr=stderr), text)


def compact_table(title: str) -> Table:
    """A table without columns yet, and without blanks that 80 columns cannot spare."""
    return Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )


def free_lines(console: Console, others: Sequence[RenderableType]) -> int:
    """How many lines of the terminal are free when these are printed."""
    taken = sum(len(console.render_lines(each, pad=False)) for each in others)
    return console.height - LINES_OF_SHELL - taken


def fitted(messages: Sequence[Text], console: Console, lines: int) -> list[Text]:
    """The messages, shortened to this many lines in all, where they are longer; the last line then says so.

    Args:
        lines: at least two are taken, however few there are.
    """
    wrapped = [list(each.wrap(console, console.width)) for each in messages]
    if sum(map(len, wrapped)) <= lines:
        return list(messages)
    room = max(2, lines) - 1
    share = max(1, room // len(messages))
    shown = [_cut(each, share, console.width) for each in wrapped[: room // share]]
    hidden = len(messages) - len(shown)
    more = f"… and {hidden:,} more" if hidden else "… shortened"
    return [*shown, Text(f"{more}; --json has all in full.", style="dim")]


def _cut(lines: Sequence[Text], count: int, width: int) -> Text:
    """The first lines; an ellipsis where others follow."""
    kept = [line.copy() for line in lines[:count]]
    for line in kept:
        line.rstrip()
    if len(lines) > count:
        kept[-1].truncate(width - 2)
        kept[-1].append(" …")
    return Text("\n").join(kept)


@contextmanager
def standard_error() -> Iterator[Console]:
    """A console on standard error that stays there, wherever the descriptor 2 leads meanwhile."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # There is no descriptor behind it, as in a notebook.
        yield TextConsole(stderr=True)
        return
    with os.fdopen(descriptor, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as file:
        yield TextConsole(file=file)


def can_redraw(console: Console) -> bool:
    """Whether there is a terminal that can go back to an earlier line; a file never, whatever colours it is to have."""
    return console.file.isatty() and not console.is_dumb_terminal


@contextmanager
def printed_above(console: Console) -> Iterator[None]:
    """What this process and its children print on standard error while the block runs goes through the console.

    Args:
        console: from `standard_error`; it prints above what is drawn on it.
    """
    descriptor = sys.stderr.fileno()
    terminal, (reading, writing) = os.dup(descriptor), os.pipe()
    os.dup2(writing, descriptor)
    os.close(writing)
    thread = threading.Thread(target=_print_lines, args=(reading, console), name="standard error", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.dup2(terminal, descriptor)
        os.close(terminal)
        thread.join(SECONDS_FOR_THE_REST)


def _print_lines(reading: int, console: Console) -> None:
    with os.fdopen(reading, encoding="utf-8", errors="backslashreplace") as lines:
        for line in lines:
            console.print(Text.from_ansi(line.rstrip("\n")))
