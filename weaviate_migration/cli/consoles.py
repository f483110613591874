"""What commands print with: everything as it is."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text


def plain_console(*, stderr: bool = False) -> Console:
    """A console that shows what stands in brackets, and colours nothing that it was not asked to.

    Keys, values, names of tables and messages of others are shown: rich would take `[b]` in them for its own markup,
    and fail at `[/b]`.
    """
    return Console(stderr=stderr, markup=False, highlight=False)


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
