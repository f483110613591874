"""What the files of examples/ have others run and set, held to the programs and settings that there are."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from dagster._cli import cli as dagster_cli
from dagster._daemon.cli import cli as daemon_cli
from dagster_celery.cli import worker_cli
from dagster_webserver.cli import cli as webserver_cli

from weaviate_migration.base.settings import OPTIONS, create_migration_config, environment_variable
from weaviate_migration.cli import cli
from weaviate_migration_tests.documentation import typed_commands
from weaviate_migration_tests.installed_package import CHECKOUT

EXAMPLES = CHECKOUT / "examples"
PROGRAMS: Mapping[str, click.Command] = {
    "weaviate-migration": cli,
    "dagster": dagster_cli,
    "dagster-celery": click.Group(commands={"worker": worker_cli}),
    "dagster-daemon": daemon_cli,
    "dagster-webserver": webserver_cli,
}
PREFIX = "WEAVIATE_MIGRATION_"


def refuse_wrong_words(words: Sequence[str]) -> None:
    """Raises click.UsageError where the program has no such command, option, or value; nothing is run."""
    program, *arguments = words
    _refuse_wrong_words(PROGRAMS[program], program, list(arguments))


def _refuse_wrong_words(command: click.Command, name: str, arguments: list[str]) -> None:
    context = command.make_context(name, arguments)
    if isinstance(command, click.Group):
        below, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        _refuse_wrong_words(found, str(below), rest)


def refuse_wrong_settings(environment: Mapping[str, str]) -> None:
    """Raises where a variable of ours is none, or its value is not one that the setting takes."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    fields = {environment_variable(field): field for field in OPTIONS}
    assert ours.keys() <= fields.keys(), ours.keys() - fields.keys()
    create_migration_config(**{fields[name]: value for name, value in ours.items()})


def variables_in_file(path: Path) -> dict[str, str]:
    """The lines `NAME=value` of a file that shells and containers read."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"(\w+)=(.*)", line) for line in lines if line and not line.startswith("#")]
    assert all(found), lines
    return {each[1]: each[2] for each in found if each}


def named_in_environment(config: Any) -> set[str]:
    """The variables that a file for Dagster names: `{env: NAME}`, anywhere in it."""
    if isinstance(config, dict):
        if config.keys() == {"env"}:
            return {config["env"]}
        return set[str]().union(*map(named_in_environment, config.values()))
    return set[str]().union(*map(named_in_environment, config)) if isinstance(config, list) else set()


def shown_commands(folder: Path) -> list[list[str]]:
    """What the README of an example has its reader type, word by word."""
    return [shlex.split(each) for each in typed_commands((folder / "README.md").read_text(encoding="utf-8"))]
