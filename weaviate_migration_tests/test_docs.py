"""The README says what is so: its options, fields, defaults and exit codes are those of the code."""

import re
from pathlib import Path

import click
import pytest

import weaviate_migration
from weaviate_migration.base.settings import OPTIONS, MigrationConfig
from weaviate_migration.cli import cli
from weaviate_migration.cli.migrate import migrate
from weaviate_migration.mapping import read_mapping

README = (Path(weaviate_migration.__file__).parents[1] / "README.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(--[a-z-]+)` \| `(\w+)` \| (?:`([^`]*)`)? *\|", re.MULTILINE)


def test_the_configuration_table_has_every_setting_with_its_default() -> None:
    documented = {field: (option, default) for option, field, default in ROW.findall(README)}
    defaults = {name: field.default for name, field in MigrationConfig.model_fields.items()}
    expected = {
        name: (OPTIONS[name], "" if defaults[name] in (None, "") or name == "sqlite_url" else str(defaults[name]))
        for name in MigrationConfig.model_fields
    }
    assert documented == expected


def commands(group: click.Group) -> dict[str, click.Command]:
    """All commands, those of groups too: `quarantine list`."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        each = group.get_command(context, name)
        assert each is not None
        found |= (
            {f"{name} {sub}": it for sub, it in commands(each).items()}
            if isinstance(each, click.Group)
            else {name: each}
        )
    return found


COMMANDS = commands(cli)


def test_a_command_that_there_is_not() -> None:
    assert cli.get_command(click.Context(cli), "migrat") is None


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"weaviate-migration {command}" in README or f"make {command}" in README


def test_every_setting_is_an_option_of_migrate() -> None:
    options = {option for each in migrate.params for option in each.opts}
    assert set(OPTIONS.values()) <= options


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_has_a_help_text(command: str) -> None:
    options = [each for each in COMMANDS[command].params if isinstance(each, click.Option)]
    assert options
    assert all(each.help for each in options), [each.name for each in options if not each.help]


def test_the_small_mapping_is_a_mapping(tmp_path: Path) -> None:
    small = re.search(r"## The mapping\n.*?```yaml\n(.*?)```", README, re.DOTALL)
    assert small
    path = tmp_path / "notes.yaml"
    path.write_text(small.group(1), encoding="utf-8")
    assert read_mapping(path).collections[0].omit == {"password": "a secret"}
