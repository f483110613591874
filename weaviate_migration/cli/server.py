"""`server`: the embedded Weaviate, for other programs."""

import shlex
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from weaviate_migration.base.errors import ConfigurationError
from weaviate_migration.base.settings import API_KEY_VARIABLE, MigrationConfig, create_migration_config
from weaviate_migration.cli.show.options import (
    EPILOG,
    SERVER_OPTION,
    WORK_OPTIONS,
    HeadedCommand,
    print_json,
    with_options,
)
from weaviate_migration.target.server import embedded_server, key_file
from weaviate_migration.target.weaviate_url import EmbeddedTarget, configured_target


@click.command(cls=HeadedCommand, epilog=EPILOG)
@with_options(SERVER_OPTION, *WORK_OPTIONS)
def server(as_json: bool, **options: Any) -> int:
    """Start the embedded Weaviate server, until Ctrl-C. It prints its addresses and how to get its key."""
    config = create_migration_config("", **options)
    folder = _server_data(config)
    with suppress(KeyboardInterrupt), embedded_server(folder) as address:
        url, key = f"http://{address.host}:{address.http_port}", key_file(folder)
        if as_json:
            print_json({"http": url, "grpc_port": address.grpc_port, "api_key_file": str(key)})
        else:
            click.echo(f"--weaviate-url {url} --grpc-port {address.grpc_port}")
            click.echo(f'{API_KEY_VARIABLE}="$(cat {shlex.quote(str(key))})"')
        sys.stdout.flush()
        threading.Event().wait()
    return 0


def _server_data(config: MigrationConfig) -> Path:
    """The folder of the embedded server that these settings name."""
    target = configured_target(config)
    if not isinstance(target, EmbeddedTarget):
        raise ConfigurationError(f"{config.weaviate_url} is no embedded server.", "Use embedded, or embedded:DIR.")
    return target.data_folder(config.work_dir.absolute())
