"""Brings an older store to the newest version of its tables. Alembic takes 0.1 s to import, so this file is late."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.engine import Connection

from weaviate_migration.base.errors import StateNotUsableError


def alembic_config(connection: Connection) -> Config:
    """What Alembic's commands take, for the database of this connection."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(connection: Connection) -> None:
    """Takes all steps that the store lacks, in the transaction of the connection.

    Raises:
        StateNotUsableError: a newer version of the package has made it.
    """
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise StateNotUsableError(
            f"{connection.engine.url.render_as_string()} was made by a newer version: {error}.",
            "Install that version, or name another --work-dir or --state-url.",
        ) from error
