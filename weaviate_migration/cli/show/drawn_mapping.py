"""What is said of a mapping that was drawn up by itself: where it is, and that it can be edited."""

from pathlib import Path

import click


def drawn_text(path: Path | str) -> str:
    """Where it is, and what can be done with it."""
    return f"Mapping: {path}, drawn up from the file. Edit it where you know better: the next migration takes it."


def say_drawn(path: Path | None) -> None:
    """Says so on standard error, where standard output may be one JSON document; nothing for None."""
    if path is not None:
        click.echo(drawn_text(path), err=True)
