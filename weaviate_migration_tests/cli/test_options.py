"""The options of all commands are the same where they mean the same; and a source that is on record already."""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from weaviate_migration.base.settings import OPTIONS, environment_variable
from weaviate_migration.cli import cli
from weaviate_migration.cli.show.options import HEADINGS, SharedOption
from weaviate_migration.mapping import read_mapping
from weaviate_migration.source.log_position import LogPosition
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.notes import make_mapping, note_file

# What these force is the command's own.
MEANS_SOMETHING_ELSE = {"--force"}


def all_commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, by all its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(all_commands())
# They look at a file before any migration, or make or need none.
WITHOUT_A_MIGRATION = {
    *("audit", "plan", "preflight", "migrate", "capture install", "capture status", "capture remove"),
    *("init", "alerts test", "alerts list", "server", "demo"),
}
OF_A_MIGRATION = sorted(COMMANDS.keys() - WITHOUT_A_MIGRATION)


def options_of(command: click.Command) -> dict[str, dict[str, Any]]:
    """For each option's name what there is to say of it."""
    with click.Context(command) as context:
        return {
            name: {"type": each.type.to_info_dict(), **each.to_info_dict(), "shown": each.get_help_record(context)}
            for each in command.params
            if isinstance(each, click.Option)
            for name in (*each.opts, *each.secondary_opts)
        }


def test_option_is_the_same_in_all_commands_that_have_it() -> None:
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, command in COMMANDS.items():
        for option, told in options_of(command).items():
            found[option][json.dumps(told, default=str, sort_keys=True)].append(name)
    different = {option: list(ways.values()) for option, ways in found.items() if len(ways) > 1}
    assert different.keys() <= MEANS_SOMETHING_ELSE, different
    shared = {option for option, ways in found.items() if len(next(iter(ways.values()))) > 1}
    assert {"--sqlite-url", "--mapping", "--weaviate-url", "--json", "--work-dir", "--markdown"} <= shared


def test_option_of_a_setting_fills_the_setting_s_field() -> None:
    """An option has the name of its field, in each command, so that the environment's variable means the same."""
    for command in COMMANDS.values():
        filled = {option: told["name"] for option, told in options_of(command).items()}
        expected = {option: field for field, option in OPTIONS.items() if option in filled}
        assert {option: filled[option] for option in expected} == expected


@pytest.mark.parametrize("group", [("--weaviate-url", "--api-key", "--grpc-port"), ("--log-level", "--log-file")])
def test_options_that_belong_together_come_together(group: tuple[str, ...]) -> None:
    """But for `server`, which starts the embedded one: its URL names the folder, and nothing is connected to."""
    for name in COMMANDS.keys() - {"server"}:
        assert len(set(group) & options_of(COMMANDS[name]).keys()) in (0, len(group)), name


@pytest.mark.parametrize("group", ["", *sorted({name.partition(" ")[0] for name in COMMANDS if " " in name})])
def test_no_summary_of_a_command_is_cut_off_on_a_terminal_of_80_columns(group: str) -> None:
    _, _, summaries = run_here(*group.split(), "--help").stdout.partition("\nCommands:\n")
    listed = re.findall(r"^  ([a-z]+) +(\S.*)$", summaries.partition("\n\n")[0], re.MULTILINE)
    assert {name for name, _ in listed} >= {name.split()[-1] for name in COMMANDS if name.startswith(group + " ")}
    assert [(name, summary) for name, summary in listed if not summary.endswith(".") or "..." in summary] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_begins_with_the_command_s_own_options(name: str) -> None:
    """And has the others under the headings that they have in every command, each option once."""
    sections = re.split(r"\n\n(?=[A-Z][^\n]*:\n)", run_here(*name.split(), "--help").stdout)[1:]
    headings = [section.partition(":")[0] for section in sections]
    assert headings == [heading for heading in HEADINGS if heading in headings]
    assert headings[0] == "Options"
    shown = [re.findall(r"^  (?:[^\n]*/ )?(--[a-z-]+)", section, re.MULTILINE) for section in sections]
    command, shared = COMMANDS[name], {}
    for each in command.params:
        if isinstance(each, SharedOption):
            shared[each.opts[0]] = each.heading
    assert sum(map(len, shown)) == len(command.params) + 1
    for heading, options in zip(headings, shown, strict=True):
        assert {shared.get(option, "Options") for option in options} == {heading}


SPANS = {"sync": "--wait", "cutover": "--timeout", "status": "--interval"}


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("span", ["nan", "inf", "-1", "soon"])
def test_span_of_time_that_is_none_is_wrong_usage(name: str, span: str, tmp_path: Path) -> None:
    ended = run_here(name, SPANS[name], span, "--work-dir", tmp_path / "work")
    assert (ended.code, SPANS[name] in ended.complaint[0]) == (2, True)
    assert f"weaviate-migration {name} --help`" in ended.complaint[1]


# They know of no file, or make it.
WITHOUT_A_SOURCE = {"alerts test", "alerts list", "server", "demo"}
COMMON = {
    *("--sqlite-url", "--mapping", "--tenant", "--prefix", "--work-dir", "--storage", "--json"),
    *("--weaviate-url", "--grpc-port", "--grpc-host", "--api-key"),
    *("--max-retries", "--retry-delay", "--memory-limit-mb", "--partitions"),
}


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_A_SOURCE))
def test_every_command_about_a_source_takes_it(name: str) -> None:
    assert "--sqlite-url" in options_of(COMMANDS[name])


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_A_SOURCE - {"init"}))
def test_what_means_the_same_is_taken_by_every_command(name: str) -> None:
    """But for `init`, which writes the mapping that all others take."""
    assert options_of(COMMANDS[name]).keys() >= COMMON


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two files, one of which has a migration that is begun, and is followed."""
    folder = tmp_path_factory.mktemp("begun")
    mapping = make_mapping(folder / "notes.yaml")
    note_file(folder / "other.db")
    make_mapping(folder / "other.yaml", missing="warn")
    options = ["--sqlite-url", note_file(folder / "app.db"), "--mapping", mapping, "--work-dir", folder / "work"]
    assert run_here("capture", "install", *options).code == 0
    work_folder = WorkFolder(folder / "work")
    record = work_folder.records.resume_or_begin(folder / "app.db", read_mapping(mapping), "")
    work_folder.records.update(record, bounds={"notes": ("00",) * 15})
    begin = LogPosition(capture=str(work_folder.capture_id), epoch=1, position=0, entry=None)
    work_folder.sync_positions.save(record.id, begin)
    (folder / "link.db").symlink_to(folder / "app.db")
    return folder


def called(name: str, begun: Path, *more: object, names_mapping: bool = True) -> tuple[int, str]:
    """The command, with the options that it takes; what it ends with, and all that it says."""
    known = {"--mapping": begun / "notes.yaml", "--work-dir": begun / "work"}
    if not names_mapping:
        del known["--mapping"]
    taken = [
        word for option, value in known.items() if option in options_of(COMMANDS[name]) for word in (option, value)
    ]
    yes = ["--yes"] if name == "cleanup" else []
    ended = run_here(*name.split(), *taken, *yes, *more)
    return ended.code, " ".join(f"{ended.stdout} {ended.stderr}".split())


@pytest.mark.parametrize("name", OF_A_MIGRATION)
def test_another_source_than_that_on_record_is_refused(name: str, begun: Path) -> None:
    code, said = called(name, begun, "--sqlite-url", begun / "other.db")
    assert code == 2, said
    assert f"is of {begun / 'app.db'}, and not of {begun / 'other.db'}." in said
    assert "Leave out --sqlite-url" in said
    assert [each.state for each in WorkFolder(begun / "work").records.all()] == ["unfinished"]


# For each option another value than the migration on record was begun with, and what is said of it.
OTHERS = {
    "--prefix": ("Other", "was begun with the prefix '', and not with 'Other'."),
    "--tenant": ("acme", "is not of the tenant `acme` alone."),
    "--mapping": ("other.yaml", "mapping"),
    "--partitions": ("32", "has 16 partitions for its life, and not 32."),
}


@pytest.mark.parametrize("option", OTHERS)
@pytest.mark.parametrize("name", OF_A_MIGRATION)
def test_another_value_than_that_on_record_is_refused(
    name: str, option: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(begun)
    value, told = OTHERS[option]
    code, said = called(name, begun, option, value, names_mapping=False)
    assert code == 2, said
    assert told in said
    assert f"Leave out {option}" in said
    assert [each.state for each in WorkFolder(begun / "work").records.all()] == ["unfinished"]


def test_another_source_in_the_environment_is_refused_too(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment_variable("sqlite_url"), str(begun / "other.db"))
    code, said = called("checks", begun)
    assert (code, environment_variable("sqlite_url") in said) == (2, True)


@pytest.mark.parametrize("name", ["status", "checks", "quarantine list", "report"])
@pytest.mark.parametrize("spelling", ["app.db", "link.db", "sqlite:///app.db", "../begun0/app.db"])
def test_own_source_is_taken_however_it_is_spelled(
    name: str, spelling: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(begun)
    assert begun.name == "begun0"
    without, said = called(name, begun)
    code, _ = called(name, begun, "--sqlite-url", spelling)
    assert code == without != 2, said


def test_source_that_names_no_file_is_told(begun: Path) -> None:
    code, said = called("status", begun, "--sqlite-url", "postgresql://host/app")
    assert (code, "must be a SQLite file" in said) == (2, True)
    with closing(sqlite3.connect(begun / "other.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone() == (0,)
