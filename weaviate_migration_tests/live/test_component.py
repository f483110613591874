"""The page `component.md`, from its first command to its last: two migrations in a project of somebody else.

The project is made by `create-dagster`, and meets the package as others do: as a wheel.
"""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import weaviate

from weaviate_migration import SQLiteMigrationComponent
from weaviate_migration.defs.component import SETTINGS
from weaviate_migration.target.server import ServerAddress
from weaviate_migration_tests.documentation import PAGES, first_column, typed_commands
from weaviate_migration_tests.installed_package import install_package, lend_commands
from weaviate_migration_tests.live.command_line import SECONDS, empty
from weaviate_migration_tests.live.free_ports import free_port
from weaviate_migration_tests.live.lasting_commands import lasting, wait_for_page

# What the page has, in its order: what is typed, and files with their paths before them.
BLOCK = re.compile(
    r"(?:\*\*(?P<path>src/\S+)\*\*:\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
PAGE = PAGES["component.md"]
CONTACTS, TICKETS = 20, 30
# Nothing is asked of the internet: what the page installs is here already, and is built with what is here.
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that there is none
    "DAGSTER_DG_UPDATE_CHECK_ENABLED": "0",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "NO_COLOR": "1",
}


LAUNCH = """mutation($run: ExecutionParams!) {
  launchRun(executionParams: $run) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
STATUS = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"""
CHECKS = """query($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status } } } }
  } }
}"""


@dataclass(frozen=True)
class UI:
    """The API that Dagster's UI uses."""

    url: str

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as page:
            answer = json.load(page)
        assert "errors" not in answer, answer
        (found,) = answer["data"].values()
        return found

    def materialize_all(self, job: str) -> str:
        """A job with all of its partitions, in one run; returns how it ended."""
        selector = {"repositoryLocationName": "shop", "repositoryName": "__repository__", "jobName": job}
        ends = {"dagster/asset_partition_range_start": "00", "dagster/asset_partition_range_end": "15"}
        tags = [{"key": key, "value": value} for key, value in ends.items()]
        launched = self.ask(LAUNCH, run={"selector": selector, "executionMetadata": {"tags": tags}})
        assert launched["__typename"] == "LaunchRunSuccess", launched
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            status: str = self.ask(STATUS, id=launched["run"]["runId"])["status"]
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            time.sleep(0.5)
        raise AssertionError(f"{job} is still {status}")

    def checks(self, *key: str) -> dict[str, str]:
        """What each check of an asset said last."""
        found = self.ask(CHECKS, key={"path": list(key)})["assetChecksOrError"]["checks"]
        return {each["name"]: str((each["executionForLatestMaterialization"] or {}).get("status")) for each in found}


@dataclass
class Reader:
    """Somebody who does what the page says.

    Attributes:
        folder: where they are.
        environment: of what they type.
        server: which they have instead of the page's.
        printed: by each command.
        verdicts: what the checks of each asset said in the UI.
    """

    folder: Path
    environment: dict[str, str]
    server: ServerAddress
    printed: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)

    def on_own_server(self, text: str) -> str:
        """What the page says of its server, said of this one."""
        for documented, own in (("8080", self.server.http_port), ("50051", self.server.grpc_port)):
            text = text.replace(documented, str(own))
        return text

    def type(self, command: str) -> None:
        words = shlex.split(self.on_own_server(command))
        if words[0] == "cd":
            self.folder /= words[1]
        elif words == ["dg", "dev"]:
            self.use_ui()
        else:
            ended = self.run(*words)
            assert ended.returncode == 0, ended.stdout + ended.stderr
            self.printed[command] = ended.stdout

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            words,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def use_ui(self) -> None:
        """What the page says that one does there."""
        port = free_port()
        command = [str(Path(self.environment["VIRTUAL_ENV"], "bin", "dg")), "dev", "--port", str(port)]
        with lasting(command, self.folder, self.folder.parent / "dg.log", **self.environment):
            ui = UI(f"http://127.0.0.1:{port}")
            wait_for_page(ui.url)
            assert ui.materialize_all("desk_migrate") == "SUCCESS"
            self.verdicts = {name: ui.checks(*name.split("/")) for name in ("crm/contact", "desk/ticket")}

    def see_file(self, path: str, text: str) -> None:
        """A file that is there already is as the page shows it; the others are written."""
        file = self.folder / path
        if file.exists():
            assert file.read_text() == self.on_own_server(text)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.on_own_server(text))


def write_files(folder: Path) -> None:
    """The files of two applications."""
    with closing(sqlite3.connect(folder / "crm.db")) as crm, crm:
        crm.execute("CREATE TABLE contacts (id INTEGER PRIMARY KEY, name TEXT, email TEXT)")
        rows = [(f"Contact {each}", f"c{each}@example.com") for each in range(CONTACTS)]
        crm.executemany("INSERT INTO contacts (name, email) VALUES (?, ?)", rows)
    with closing(sqlite3.connect(folder / "desk.db")) as desk, desk:
        desk.execute("CREATE TABLE tickets (id INTEGER PRIMARY KEY, subject TEXT, opened TEXT)")
        opened = [(f"Question {each}", f"2026-01-{each + 1:02}T08:00:00Z") for each in range(TICKETS)]
        desk.executemany("INSERT INTO tickets (subject, opened) VALUES (?, ?)", opened)


@pytest.fixture(scope="module")
def reader(
    tmp_path_factory: pytest.TempPathFactory, server: ServerAddress, connected: weaviate.WeaviateClient
) -> Iterator[Reader]:
    """At the end of the page."""
    folder = tmp_path_factory.mktemp("component")
    commands = install_package(folder)
    lend_commands(commands, "create-dagster", "dagster", "dg", "pip")
    write_files(folder)
    (folder / "dagster_home").mkdir()
    environment = OFFLINE | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "",  # The checkout would come before the wheel.
        "VIRTUAL_ENV": str(commands.parent),
        "DAGSTER_HOME": str(folder / "dagster_home"),
        "COLUMNS": "200",
    }
    reader = Reader(folder, environment, server)
    for block in BLOCK.finditer(PAGE):
        if block["language"] == "console":
            for command in typed_commands(block["text"]):
                reader.type(command)
        else:
            reader.see_file(block["path"], block["text"])
    yield reader
    empty(connected)


def printed_by(reader: Reader, beginning: str) -> str:
    (found,) = [text for command, text in reader.printed.items() if command.startswith(beginning)]
    return found


def test_both_migrations_are_listed_beside_the_assets_of_the_project(reader: Reader) -> None:
    listed = printed_by(reader, "dg list defs")
    for name in ("crm/contact", "desk/ticket", "tickets_and_contacts", "crm_migrate", "desk_sync_schedule"):
        assert name in listed
    assert "crm_change_sync_sensor" in listed


def test_every_check_passed_in_the_ui(reader: Reader) -> None:
    """Of the migration that the UI ran, and of the one that the shell ran."""
    assert reader.verdicts.keys() == {"crm/contact", "desk/ticket"}
    for verdicts in reader.verdicts.values():
        assert set(verdicts) >= {"count", "every_object", "sample", "search", "types", "uuids"}
        assert set(verdicts.values()) == {"SUCCEEDED"}


@pytest.mark.parametrize(("alias", "rows"), [("CrmContact", CONTACTS), ("DeskTicket", TICKETS)])
@pytest.mark.usefixtures("reader")
def test_readers_find_every_row(alias: str, rows: int, connected: weaviate.WeaviateClient) -> None:
    assert len(connected.collections.use(alias)) == rows


def test_each_migration_has_a_work_folder(reader: Reader) -> None:
    assert {each.name for each in (reader.folder / ".weaviate_migration").iterdir()} == {"crm", "desk"}
    assert "cut over" in printed_by(reader, "weaviate-migration status")


def test_the_table_of_fields() -> None:
    assert first_column("component.md", "field") == list(SQLiteMigrationComponent.model_fields)


def test_the_settings_in_the_table() -> None:
    assert ", ".join(f"`{each}`" for each in SETTINGS) in PAGE


WRONG = """type: weaviate_migration.SQLiteMigrationComponent
attributes:
  source: app.db
  mapping:
    name: notes
    collections:
      - name: Note
        table: notes
        proprties: []
        properties:
          - {name: body, column: body, type: txt}
  server: {url: embedded, grpc_prt: 7}
  settings:
    batch_sise: 3
    max_retries: 1000
  sync_shedule: "* * * * *"
"""


def test_a_mistake_is_told_with_its_line(reader: Reader) -> None:
    """By `dg check yaml`, which loads nothing: in the mapping, the server and the settings, too."""
    entry = reader.folder / "src/shop/defs/desk/defs.yaml"
    kept = entry.read_text()
    entry.write_text(WRONG)
    try:
        checked = reader.run("dg", "check", "yaml")
    finally:
        entry.write_text(kept)
    assert checked.returncode == 1
    told = re.findall(rf"^{re.escape(str(entry))}:(\d+) - \S+ attributes\S* (.*)$", checked.stdout, re.MULTILINE)
    assert {(int(line), re.sub(r" is not one of .*", " is not one of them", said)) for line, said in told} == {
        (9, "Additional properties are not allowed ('proprties' was unexpected)"),
        (11, "'txt' is not one of them"),
        (12, "Additional properties are not allowed ('grpc_prt' was unexpected)"),
        (14, "Additional properties are not allowed ('batch_sise' was unexpected)"),
        (15, "1000 is greater than the maximum of 100"),
        (16, "Additional properties are not allowed ('sync_shedule' was unexpected)"),
    }
