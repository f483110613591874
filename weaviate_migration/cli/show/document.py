"""A document that an option names a file for."""

from pathlib import Path

import click

from weaviate_migration.base.errors import ConfigurationError

STANDARD_OUTPUT = "-"


def write_document(option: str, file: str, text: str) -> None:
    """Writes a document to the file that an option names, or to standard output for `-`.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    if file == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written: {error.strerror}.", f"Name another file with {option}."
        ) from error
