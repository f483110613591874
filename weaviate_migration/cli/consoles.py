"""What commands print with: everything as it is."""

from rich.console import Console


def plain_console(*, stderr: bool = False) -> Console:
    """A console that shows what stands in brackets, and colours nothing that it was not asked to.

    Keys, values, names of tables and messages of others are shown: rich would take `[b]` in them for its own markup,
    and fail at `[/b]`.
    """
    return Console(stderr=stderr, markup=False, highlight=False)
