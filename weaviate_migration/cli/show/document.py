"""A document that an option names a file for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from weaviate_migration.base.atomic_file import replace_file
from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.permissions import as_named

STANDARD_OUTPUT = "-"


def write_document(option: str, file: str, text: str) -> None:
    """Writes a document to the file that an option names, or to standard output for `-`; both as UTF-8, byte by byte.

    What reads it (XML, HTML, YAML, Markdown) takes UTF-8, whatever this terminal takes.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    if file == STANDARD_OUTPUT:
        has_bytes = hasattr(sys.stdout, "buffer")
        click.echo(text.encode("utf-8", "backslashreplace") if has_bytes else text, nl=False)
        return
    with _writing(option, file), open(file, "w", encoding="utf-8", opener=as_named) as named:
        named.write(text)


def change_document(option: str, file: str, text: str) -> None:
    """Gives a file that a person wrote another text, in one step; raises as `write_document` does."""
    with _writing(option, file):
        replace_file(Path(file).resolve(), text, named=True)


@contextmanager
def _writing(option: str, file: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}.", f"Name another file with {option}."
        ) from error
