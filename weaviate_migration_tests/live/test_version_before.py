"""Migrations that the version before has begun: its work folders, with Dagster's home and the server's data.

`fixtures/README.md` says how they were made. They are unpacked where that was done: a record names its source and its
snapshot by absolute paths, and each collection in Weaviate says of which source it is, so that no moved folder is gone
on with. A lock keeps two runs of this file, of two checkouts perhaps, from unpacking into one another.
"""

import json
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import weaviate
from filelock import FileLock

from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import embedded_server
from weaviate_migration.work_folder.partition_values import LOADED
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration_tests.fixtures.make_work_folders import ARCHIVES, FOLDER
from weaviate_migration_tests.live.command_line import holdings, run_here

# For each collection the rows that its objects stand for, and the columns' properties, in this order.
SOURCE_ROWS = {
    "Author": "SELECT id, name FROM authors",
    "Book": "SELECT id, title, author_id, pages, replace(published, ' ', 'T') || 'Z' FROM books",
    "Review": "SELECT id, book_id, text FROM reviews",
}
PROPERTIES = {
    "Author": ("authorId", "name"),
    "Book": ("number", "title", "authorId", "pages", "published"),
    "Review": ("number", "bookNumber", "text"),
}
# The rows that were refused, as the application mends them.
MEND = "UPDATE books SET pages = 100 + id WHERE typeof(pages) = 'text'"
NEW_CHECKS = ("everything_mapped",)
# What depends on the moment or the server, or may be said in other words.
OTHERWISE = {"server", "aliases", "disk", "next_step", "next_steps", "made_at"}


@dataclass(frozen=True)
class Library:
    """A work folder of the version before, with its source and its mapping."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "app.db"

    @property
    def work_dir(self) -> Path:
        return self.folder / "work"

    @property
    def states(self) -> dict[str, str]:
        """The state of each migration on record, by its id, oldest first."""
        found: dict[str, str] = self.run("status")["migrations"]
        return found

    def told(self, name: str) -> Any:
        """What the version before has said of the folder."""
        return json.loads((self.folder / "told" / f"{name}.json").read_text(encoding="utf-8"))

    def run(self, *words: object, code: int = 0) -> Any:
        """Runs a command, which ends with this code, and returns its JSON; the server is the folder's own."""
        ended = run_here(*words, "--json")
        assert ended.code == code, ended.stderr
        return ended.json

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.source)) as connection, connection:
            connection.execute(statement)

    def rows(self, collection: str) -> list[tuple[object, ...]]:
        """What SQLite holds now."""
        with closing(sqlite3.connect(self.source)) as connection:
            return sorted(connection.execute(SOURCE_ROWS[collection]).fetchall())

    @contextmanager
    def server(self) -> Iterator[weaviate.WeaviateClient]:
        """The folder's embedded server, which the commands join while it runs."""
        with embedded_server(self.work_dir / "weaviate") as address, connect(address, None) as client:
            yield client

    @contextmanager
    def dagster_home(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's instance as its UI opens it: by what the `dagster.yaml` of the version before says."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DAGSTER_HOME", str(self.work_dir / "dagster_home"))
            with dg.DagsterInstance.get() as instance:
                yield instance


@pytest.fixture
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """The work folder that the test's parameter names, unpacked; the environment names it to the commands."""
    with FileLock(f"{FOLDER}.lock"):
        if FOLDER.exists():  # A run that was killed has left it.
            shutil.rmtree(FOLDER)
        with tarfile.open(ARCHIVES / f"{request.param}.tar.xz") as archive:
            archive.extractall(FOLDER, filter="data")
        library = Library(FOLDER / request.param)
        monkeypatch.setenv("WEAVIATE_MIGRATION_SQLITE_URL", str(library.source))
        monkeypatch.setenv("WEAVIATE_MIGRATION_MAPPING", str(library.folder / "library.yaml"))
        monkeypatch.setenv("WEAVIATE_MIGRATION_WORK_DIR", str(library.work_dir))
        yield library
        shutil.rmtree(FOLDER)


begun = pytest.mark.parametrize("library", ["begun"], indirect=True)
loaded = pytest.mark.parametrize("library", ["loaded"], indirect=True)


def objects(client: weaviate.WeaviateClient, name: str, collection: str) -> list[tuple[object, ...]]:
    """The properties of all objects of a collection or alias, as the rows have them."""
    found = [item.properties for item in client.collections.use(name).iterator()]
    return sorted(tuple(_as_in_sqlite(each[prop]) for prop in PROPERTIES[collection]) for each in found)


def _as_in_sqlite(value: object) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if hasattr(value, "strftime") else value


def comparable(document: Any) -> Any:
    """A document without what a later version may say otherwise; seconds as whole milliseconds."""
    match document:
        case {"applied": _}:  # Of what was captured: the age of the oldest change goes on.
            return {name: value for name, value in document.items() if name != "seconds"}
        case dict():
            return {name: comparable(value) for name, value in document.items() if name not in OTHERWISE}
        case list():
            return [comparable(each) for each in document]
        case float():
            return round(document, 3)
    return document


def without_new_checks(document: Any) -> Any:
    """A document without the checks that the version before did not have, and which never ran on what it made."""
    match document:
        case {"checks": list(checks), "totals": dict(totals)}:
            new = [each for each in checks if each["name"] in NEW_CHECKS]
            assert {(each["status"], each["blocking"]) for each in new} <= {("never ran", False)}
            fewer = {name: totals[name] - len(new) for name in ("checks", "never ran")}
            return document | {"checks": [each for each in checks if each not in new], "totals": totals | fewer}
        case {"checks": {"never ran": int(number), **others}}:
            fewer = {"never ran": number - len(NEW_CHECKS)} if number > len(NEW_CHECKS) else {}
            return document | {"checks": others | fewer}
        case dict():
            return {name: without_new_checks(value) for name, value in document.items()}
    return document


def says_the_same(library: Library) -> None:
    """Today's commands read of the folder what the version before has told of it; they may say more."""
    not_passed = 0 if library.told("checks")["success"] else 3
    refused = 3 if library.told("quarantine")["rows"] else 0
    found = {
        "status": library.run("status"),
        "checks": library.run("checks", code=not_passed),
        "quarantine": library.run("quarantine", "list", code=refused),
        "report": library.run("report"),
    }
    for name, document in found.items():
        told, now = comparable(library.told(name)), comparable(without_new_checks(document))
        assert {key: now.get(key) for key in told} == told


def certified(library: Library, path: str) -> dict[str, Any]:
    """The certificate that a command has named; both sides are alike, whole and in each partition."""
    assert path == str(library.work_dir / "certificate.json")
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    assert (found["identical"], found["differences"]) == (True, 0)
    for each in found["collections"].values():
        assert each["source_digest"] == each["target_digest"]
        assert [part["partition"] for part in each["partitions"]] == [f"{number:02}" for number in range(16)]
        assert all(part["source_digest"] == part["target_digest"] for part in each["partitions"])
    return found


def loaded_before(instance: dg.DagsterInstance, asset: str) -> set[str]:
    """The partitions that the newest load found to be in Weaviate already."""
    key = dg.AssetKey(asset)
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(key, kind)
    wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=list(newest.values()))
    made = [record.asset_materialization for record in instance.fetch_materializations(wanted, limit=16).records]
    assert len(made) == 16
    return {str(each.partition) for each in made if each is not None and each.metadata["loaded_before"].value}


def noted_as_whole(library: Library, collection: str) -> set[str]:
    """The partitions that the version before has noted as loaded in whole."""
    kept = StateStore.of(library.work_dir).all(LOADED)
    notes = {partition: note for (name, partition), note in kept.items() if name.startswith(f"{collection}_")}
    return {partition for partition, note in notes.items() if json.loads(note)["whole"]}


@begun
def test_what_was_killed_is_gone_on_with(library: Library) -> None:
    says_the_same(library)
    status = library.run("status")
    assert (status["phase"], list(status["migrations"].values())) == ("history", ["unfinished"])
    assert "`weaviate-migration migrate`" in status["next_step"]
    migration, snapshot = status["migration_id"], status["snapshot"]
    before = {name: noted_as_whole(library, name) for name in SOURCE_ROWS}
    assert len(before["Author"]) == 16
    assert 0 < len(before["Book"]) < 15
    assert before["Review"] == set()

    library.execute(MEND)
    with library.server() as client:
        assert holdings(client) == ([f"{name}_{migration}" for name in SOURCE_ROWS], {})
        migrated = library.run("migrate", "--live", "--no-cutover")
        assert (migrated["migration_id"], migrated["failed_records"], migrated["errors"]) == (migration, 0, [])
        assert library.run("status")["snapshot"] == snapshot
        with library.dagster_home() as instance:
            assert {name: loaded_before(instance, name.lower()) for name in SOURCE_ROWS} == before
        for name in SOURCE_ROWS:
            assert objects(client, f"{name}_{migration}", name) == library.rows(name)
        assert holdings(client)[1] == {}
        assert library.run("quarantine", "list")["rows"] == []

        verified = library.run("verify")
        certificate = certified(library, verified["certificate"])
        assert certificate["migration_id"] == migration
        assert {name: each["objects"] for name, each in certificate["collections"].items()} == {
            name: len(library.rows(name)) for name in SOURCE_ROWS
        }

        switched = library.run("cutover")
        targets = {name: f"{name}_{migration}" for name in SOURCE_ROWS}
        assert (switched["migration_id"], switched["aliases"]) == (migration, targets)
        assert holdings(client)[1] == targets
        assert library.states == {migration: "cut over"}
        for name in SOURCE_ROWS:
            assert objects(client, name, name) == library.rows(name)

        rolled_back = library.run("rollback")
        assert (rolled_back["migration_id"], rolled_back["aliases"]) == (migration, dict.fromkeys(SOURCE_ROWS))
        assert holdings(client) == (sorted(targets.values()), {})
        assert library.states == {migration: "rolled back"}


@begun
def test_what_its_runs_have_stored_is_still_there(library: Library) -> None:
    told = [each for each in library.told("checks")["checks"] if each["timestamp"]]
    with library.dagster_home() as instance:
        of_checks, killed = instance.get_runs()
        events = {run.run_id: len(instance.all_logs(run.run_id)) for run in (of_checks, killed)}
    assert (of_checks.status, killed.status) == (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.STARTED)
    assert {each["run_id"] for each in told} == events.keys()
    assert {each["partition"] for each in told if each["run_id"] == of_checks.run_id} == {"00", "01", "02", "03", None}

    library.execute(MEND)
    library.run("migrate", "--live")
    # The one that was killed had planned checks that it never ran.
    for run_id, code in ((of_checks.run_id, 0), (killed.run_id, 3)):
        found = library.run("checks", "--run", run_id, code=code)["checks"]
        assert [each for each in found if each["timestamp"]] == [each for each in told if each["run_id"] == run_id]
    with library.dagster_home() as instance:
        newest, *before = instance.get_runs()
        stored = {run.run_id: len(instance.all_logs(run.run_id)) for run in before}
    assert newest.status is dg.DagsterRunStatus.SUCCESS
    assert [run.status for run in before] == [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    assert stored == events | {killed.run_id: stored[killed.run_id]}
    assert stored[killed.run_id] > events[killed.run_id]


@loaded
def test_what_was_loaded_is_switched_to_and_back(library: Library) -> None:
    says_the_same(library)
    assert library.run("status")["phase"] == "dual write"
    first, second = library.states
    with library.server() as client:
        assert holdings(client) == ([f"Author_{first}", f"Author_{second}"], {"Author": f"Author_{first}"})
        assert objects(client, f"Author_{second}", "Author") != library.rows("Author")

        switched = library.run("cutover")
        assert (switched["migration_id"], switched["position"]) == (second, library.told("status")["capture"]["newest"])
        assert switched["aliases"] == {"Author": f"Author_{second}"}
        assert switched["previous_aliases"] == {"Author": f"Author_{first}"}
        assert holdings(client)[1] == {"Author": f"Author_{second}"}
        assert objects(client, "Author", "Author") == library.rows("Author")

        certificate = certified(library, library.run("verify")["certificate"])
        assert (certificate["migration_id"], certificate["collections"]["Author"]["objects"]) == (second, 32)

        assert library.run("rollback")["aliases"] == {"Author": f"Author_{first}"}
        assert library.states == {first: "cut over", second: "rolled back"}
        library.run("sync")
        assert objects(client, "Author", "Author") == library.rows("Author")
        assert holdings(client)[1] == {"Author": f"Author_{first}"}
