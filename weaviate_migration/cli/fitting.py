"""Makes what a command says fit the terminal's height; in a file it stands in full."""

from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.text import Text

# The command itself, which stands above, and the prompt below.
LINES_OF_SHELL = 2


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
