"""The docs say what is so: commands, options, settings, defaults and links are those of the code."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import click
import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import weaviate_migration
from weaviate_migration.base.errors import ERROR_CATEGORIES, MigrationError
from weaviate_migration.base.logs import ALWAYS, FIRST, WHERE_IT_APPLIES
from weaviate_migration.base.settings import OPTIONS, MigrationConfig, environment_variable
from weaviate_migration.cli import INTERRUPTED, cli
from weaviate_migration.cli.migrate import migrate
from weaviate_migration.mapping import (
    CollectionMapping,
    Mapping,
    ModelMapping,
    PropertyMapping,
    RelationMapping,
    TenantMapping,
    VectorMapping,
    read_mapping,
)
from weaviate_migration.mapping.property_mapping import PropertyType
from weaviate_migration.mapping.spellings import DateFormat
from weaviate_migration.mapping.vector_index import (
    QUANTIZER_OPTIONS,
    FilterStrategy,
    IndexType,
    QuantizerType,
    VectorIndexMapping,
)
from weaviate_migration.mapping.vector_mapping import Distance, OnFailure, VectorBytes
from weaviate_migration.monitoring.alerts.conditions import Kind
from weaviate_migration.target.probes import MINIMUM_VERSION
from weaviate_migration.target.server_binary import SERVER_VERSION
from weaviate_migration_tests.documentation import (
    CHECKOUT,
    FOLDER,
    PAGES,
    README,
    code_blocks,
    console_commands,
    first_column,
    inline_code,
)

ROW = re.compile(r"^\| `(--[a-z-]+)` \| `(\w+)` \| (?:`([^`]*)`)? *\|", re.MULTILINE)


def test_the_configuration_table_has_every_setting_with_its_default() -> None:
    documented = {field: (option, default) for option, field, default in ROW.findall(PAGES["settings.md"])}
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


def command_in(words: list[str]) -> str:
    """The name of the command that the words begin with, also of one in a group; empty where they do not."""
    return next((name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS), "")


def options_of(command: click.Command) -> set[str]:
    """As they are typed, with `--help`."""
    params = command.get_params(click.Context(command))
    return {option for param in params for option in (*param.opts, *param.secondary_opts)}


def test_a_command_that_there_is_not() -> None:
    assert cli.get_command(click.Context(cli), "migrat") is None


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_docs(command: str) -> None:
    text = "\n".join(PAGES.values())
    assert f"weaviate-migration {command}" in text or f"make {command}" in text


def test_every_command_in_the_docs_is_one_with_these_options() -> None:
    """Those in blocks and those in sentences: `verify --repair`."""
    program = "weaviate-migration "
    typed = [each for each in (*console_commands(), *inline_code()) if each.startswith(program)]
    named = [each.removeprefix(program) for each in typed] + [
        each for each in inline_code() if " --" in each and command_in(each.split())
    ]
    assert len(named) > len(COMMANDS)
    for each in named:
        words = each.split()
        command = command_in(words)
        assert command, each
        assert {word for word in words if word.startswith("--")} <= options_of(COMMANDS[command]), each


def test_every_option_in_the_docs_is_one() -> None:
    options = set[str]().union(*map(options_of, COMMANDS.values()))
    assert {each.split()[0] for each in inline_code() if each.startswith("--")} <= options


def test_every_variable_in_the_docs_is_one() -> None:
    found = set(re.findall(r"\bWEAVIATE_MIGRATION_[A-Z_]+\b", "\n".join(PAGES.values())))
    assert found
    assert found <= {environment_variable(field) for field in OPTIONS}


def test_every_setting_is_an_option_of_migrate() -> None:
    options = {option for each in migrate.params for option in each.opts}
    assert set(OPTIONS.values()) <= options


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_has_a_help_text(command: str) -> None:
    options = [each for each in COMMANDS[command].params if isinstance(each, click.Option)]
    assert options
    assert all(each.help for each in options), [each.name for each in options if not each.help]


def test_the_small_mapping_is_a_mapping(tmp_path: Path) -> None:
    small, *_ = code_blocks("yaml", "mapping.md")
    path = tmp_path / "notes.yaml"
    path.write_text(small, encoding="utf-8")
    assert read_mapping(path).collections[0].omit == {"password": "a secret"}


def test_the_collections_that_are_shown_are_collections() -> None:
    _, *shown = code_blocks("yaml", "mapping.md")
    parts = [each for text in shown if (each := yaml.safe_load(text)).keys() == {"collections"}]
    names = [each.name for part in parts for each in Mapping.model_validate({"name": "shown", **part}).collections]
    assert names[:3] == ["Question", "Answer", "Chunk"]


def test_the_table_of_categories() -> None:
    assert first_column("logs.md", "category") == list(ERROR_CATEGORIES)


def test_the_table_of_exit_codes() -> None:
    kinds = [MigrationError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    codes = {0, INTERRUPTED} | {kind.exit_code for kind in kinds}
    assert first_column("start.md", "exit code") == [str(each) for each in sorted(codes)]


def test_the_versions_of_the_server() -> None:
    assert f"embedded server, Weaviate {SERVER_VERSION}," in PAGES["server.md"]
    assert f"Any Weaviate from {'.'.join(map(str, MINIMUM_VERSION))} on" in PAGES["server.md"]


def test_the_table_of_alerts() -> None:
    assert sorted(first_column("alerts.md", "told of")) == sorted(Kind)


def test_the_fields_of_a_log_line() -> None:
    (line,) = code_blocks("json", "logs.md")
    assert {*FIRST, *ALWAYS} <= json.loads(line).keys() <= {*FIRST, *ALWAYS, *WHERE_IT_APPLIES}


def shown_default(field: FieldInfo) -> str:
    """As the docs show it: nothing where there is none, or an empty one."""
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    shown = str(default).lower() if default or default is False else ""
    return shown.encode("unicode_escape").decode()


@pytest.mark.parametrize(
    ("section", "model"),
    [
        ("The file", Mapping),
        ("A collection", CollectionMapping),
        ("A property", PropertyMapping),
        ("Relations", RelationMapping),
        ("Vectors", VectorMapping),
        ("Models", ModelMapping),
        ("The index of a vector", VectorIndexMapping),
        ("Tenants", TenantMapping),
    ],
)
def test_the_fields_of_a_mapping(section: str, model: type[BaseModel]) -> None:
    table = PAGES["mapping.md"].split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]+)`)? *\|", table, re.MULTILINE))
    assert documented == {field.alias or name: shown_default(field) for name, field in model.model_fields.items()}


def test_the_options_of_quantizers() -> None:
    documented = dict(
        re.findall(r"^\| `(\w+)` \| (`.+) \|$", PAGES["mapping.md"].split("| quantizer |")[1], re.MULTILINE)
    )
    shown = {name: set(re.findall(r"`(\w+)`(?= ?[,(]|$)", options)) for name, options in documented.items()}
    assert {name: shown[name] for name in QUANTIZER_OPTIONS if name != "none"} == {
        name: set(options) for name, options in QUANTIZER_OPTIONS.items() if options
    }


@pytest.mark.parametrize(
    "choices", [DateFormat, VectorBytes, Distance, OnFailure, IndexType, QuantizerType, FilterStrategy]
)
def test_the_choices_of_a_mapping(choices: object) -> None:
    assert [each for each in get_args(choices) if f"`{each}`" not in PAGES["mapping.md"]] == []


def test_the_table_of_types() -> None:
    assert sorted(first_column("mapping.md", "type")) == sorted(get_args(PropertyType))


def test_what_is_no_command_is_tested_too() -> None:
    """By those who know what it is about: the examples in Python, the alerts file, the mapping and the queries."""
    found = {(language, page) for language in ("python", "yaml") for page in PAGES if code_blocks(language, page)}
    assert found == {
        ("python", "component.md"),
        ("python", "dagster.md"),
        ("python", "live.md"),
        ("python", "python.md"),
        ("python", "vectors.md"),
        ("yaml", "alerts.md"),
        ("yaml", "component.md"),
        ("yaml", "machines.md"),
        ("yaml", "mapping.md"),
        ("yaml", "prove.md"),
        ("yaml", "vectors.md"),
    }


def test_every_file_that_is_named_is_there() -> None:
    """In the pages and in CONTRIBUTING.md: by its path from the checkout, the package, or its tests."""
    texts = [*PAGES.values(), (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")]
    named = set(re.findall(r"`((?:[\w.]+/)+(?:\w+\.(?:py|md|yaml))?)`", "\n".join(texts)))
    places = (CHECKOUT, CHECKOUT / "weaviate_migration", CHECKOUT / "weaviate_migration_tests")
    assert len(named) > 20
    assert not [each for each in sorted(named) if not any((place / each).exists() for place in places)]


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_every_page_is_in_the_navigation() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == PAGES.keys() - {README.name}


class Page(HTMLParser):
    """What a page of the site holds.

    Attributes:
        ids: what a link can lead to.
        sections: the text under each second heading, by its id.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.sections: dict[str, str] = {}
        self._section = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        name = dict(attributes).get("id")
        if name:
            self.ids.add(name)
            if re.fullmatch("h[1-6]", tag):
                self._section = name

    def handle_data(self, text: str) -> None:
        self.sections[self._section] = self.sections.get(self._section, "") + text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it: a link that leads nowhere ends the building."""
    folder = tmp_path_factory.mktemp("site")
    ended = subprocess.run(
        [Path(sys.executable).parent / "mkdocs", "build", "--site-dir", folder],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def page_of(site: Path, name: str) -> Page:
    return Page((site / name).read_text(encoding="utf-8"))


def unspaced(text: str) -> str:
    """Without what depends on where its lines are broken."""
    return "".join(text.split())


def test_the_reference_has_every_command_with_every_option(site: Path) -> None:
    page = page_of(site, "commands.html")
    for name, command in COMMANDS.items():
        section = unspaced(page.sections[f"weaviate-migration-{name.replace(' ', '-')}"])
        for option in (each for each in command.params if isinstance(each, click.Option)):
            assert option.opts[0] in section, (name, option.opts)
            assert unspaced(str(option.help)) in section, (name, option.opts)


def test_the_reference_has_every_public_name(site: Path) -> None:
    ids = page_of(site, "python.html").ids
    assert {f"weaviate_migration.{name}" for name in weaviate_migration.__all__} <= ids


def test_the_first_page_is_the_readme(site: Path) -> None:
    assert "where-to-read-on" in page_of(site, "index.html").ids


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loading = re.compile(r'<(?:script|img|link)[^>]+(?:src|href)="?(https?:[^" >]+)')
    for path in site.glob("*.html"):
        assert not loading.findall(path.read_text(encoding="utf-8")), path.name
