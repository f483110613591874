"""Standard error while something is drawn there: what else is printed, by whatever process, must not garble it."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

# How long to wait for the last lines of child processes, which end with the block.
SECONDS_FOR_THE_REST = 1.0


@contextmanager
def standard_error() -> Iterator[Console]:
    """A console on standard error that stays there, wherever the descriptor 2 leads meanwhile."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # There is no descriptor behind it, as in a notebook.
        yield Console(stderr=True)
        return
    with os.fdopen(descriptor, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as file:
        yield Console(file=file)


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
