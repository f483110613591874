"""The postflight after a real migration: all is well, and each item fails when what it looks at is broken."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import weaviate

from weaviate_migration.monitoring.alerts.conditions import Condition, Judgement, Kind
from weaviate_migration.monitoring.alerts.incidents import IncidentBook
from weaviate_migration.monitoring.postflight import LAG_SECONDS, lag
from weaviate_migration.target.connect import connect
from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.checklist import ChecklistItem, read_checklist
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.kept_incidents import KeptIncidents
from weaviate_migration.work_folder.pending_vectors import PendingVectors
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.state_store import StateStore
from weaviate_migration.work_folder.sync_positions import Standing
from weaviate_migration_tests.live.command_line import Ended, at, empty, on, run_here
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping, note_file

WELL = {
    **dict.fromkeys(("aliases", "counts", "search", "checks", "tables", "lag", "quarantine", "certificate"), "passed"),
    "alerts": "skipped",
}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory, server: ServerAddress) -> NoteMigration:
    """One migration of a source that is followed, for all of these tests; each mends what it breaks."""
    notes = NoteMigration(tmp_path_factory.mktemp("postflight"), server)
    note_file(notes.source)
    make_mapping(notes.mapping)
    with closing(connect(server, None)) as client:
        empty(client)
    ended = notes.migrate("--live", "--json")
    assert ended.code == 0, ended.stderr
    assert not [text for text in ended.json["warnings"] if text.startswith("postflight")]
    return notes


@pytest.fixture
def client(server: ServerAddress) -> Iterator[weaviate.WeaviateClient]:
    """A client of the server as it is."""
    with connect(server, None) as client:
        yield client


def postflight(notes: NoteMigration, *more: object) -> Ended:
    options = ["--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server)]
    return run_here("postflight", *on(options, more))


def items_of(notes: NoteMigration, *more: object) -> dict[str, ChecklistItem]:
    return {each["name"]: ChecklistItem(**each) for each in postflight(notes, "--json", *more).json["items"]}


def not_well(notes: NoteMigration) -> dict[str, ChecklistItem]:
    """The items that are not as they should be; each has a remedy."""
    found = {name: each for name, each in items_of(notes).items() if each.verdict not in ("passed", "skipped")}
    assert all(each.remedy for each in found.values())
    return found


def collection_of(notes: NoteMigration, client: weaviate.WeaviateClient) -> Any:
    (name,) = WorkFolder(notes.work_dir).records.current().targets.values()
    return client.collections.use(name)


def test_migrate_looks_by_itself_and_gives_the_certificate(migrated: NoteMigration) -> None:
    stored = read_checklist(WorkFolder(migrated.work_dir).store, "postflight")
    assert stored is not None
    assert {each.name: each.verdict for each in stored.items} == WELL
    before = read_checklist(WorkFolder(migrated.work_dir).store, "preflight")
    assert before is not None
    assert before.success
    assert run_here("verify", *migrated.source_options[2:], *at(migrated.server)).code == 0
    ended = postflight(migrated)
    assert ended.code == 0, ended.stdout
    assert "8 passed, 1 skipped." in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert "64 objects for 64 rows of the source" in ended.stdout


def test_objects_that_are_gone(migrated: NoteMigration, client: weaviate.WeaviateClient) -> None:
    collection = collection_of(migrated, client)
    lost = next(collection.iterator(include_vector=True))
    collection.data.delete_by_id(lost.uuid)
    try:
        found = not_well(migrated)
        assert postflight(migrated).code == 3
    finally:
        collection.data.insert(lost.properties, uuid=lost.uuid)
    assert found["counts"].verdict == "failed"
    assert found["counts"].figure == "Note: 63 objects for 64 rows"
    assert set(found) == {"counts"}


def test_aliases_that_lead_elsewhere(migrated: NoteMigration, client: weaviate.WeaviateClient) -> None:
    client.alias.delete(alias_name="Note")
    found = not_well(migrated)
    assert (found["aliases"].verdict, found["aliases"].figure) == ("failed", "Note → nothing")
    assert (found["search"].verdict, set(found)) == ("failed", {"aliases", "search"})
    assert "`weaviate-migration cutover`" in found["aliases"].remedy
    options = ["--mapping", migrated.mapping, "--work-dir", migrated.work_dir, *at(migrated.server)]
    assert run_here("cutover", *options).code == 0
    assert not not_well(migrated)


def test_changes_that_wait(migrated: NoteMigration) -> None:
    add_notes(migrated.source, [("the new one", "a new note", 1, None)])
    found = not_well(migrated)
    assert set(found) == {"lag"}
    assert found["lag"].figure.startswith("1 changes, ")
    assert "64 objects for 65 rows of the source, 1 changes pending" in items_of(migrated)["counts"].figure
    assert run_here("sync", *migrated.source_options[2:], *at(migrated.server)).code == 0
    assert not not_well(migrated)


def test_rows_in_the_quarantine(migrated: NoteMigration) -> None:
    (name,) = WorkFolder(migrated.work_dir).records.current().targets.values()
    with WorkFolder(migrated.work_dir).quarantine_of(name) as quarantine:
        quarantine.add("03", QuarantinedRow("the key", None, "a reason", {}))
        quarantine.finish("03")
        found = not_well(migrated)
        quarantine.clear("03")
    assert found["quarantine"].figure == "1 rows of Note"
    assert "quarantine list" in found["quarantine"].remedy


def test_objects_that_lack_a_vector(migrated: NoteMigration) -> None:
    (name,) = WorkFolder(migrated.work_dir).records.current().targets.values()
    pending = PendingVectors(StateStore.of(migrated.work_dir), name)
    pending.add([("a", "body")])
    found = not_well(migrated)
    pending.discard()
    assert found["pending vectors"].figure == "1 of Note lack body"
    assert "`weaviate-migration sync`" in found["pending vectors"].remedy


def test_a_certificate_of_another_migration_or_of_differences(migrated: NoteMigration) -> None:
    path = migrated.work_dir / "certificate.json"
    content = path.read_text(encoding="utf-8")

    def with_(**changes: object) -> ChecklistItem:
        path.write_text(json.dumps(json.loads(content) | changes), encoding="utf-8")
        return not_well(migrated)["certificate"]

    try:
        assert with_(migration_id="another").verdict == "warned"
        assert with_(identical=False, differences=2).verdict == "failed"
        path.write_text(content[:-10], encoding="utf-8")
        assert not_well(migrated)["certificate"].figure == "it is damaged"
    finally:
        path.write_text(content, encoding="utf-8")


def test_incidents_that_are_open(migrated: NoteMigration) -> None:
    condition = Condition(Kind.LAG, "The sync is behind", "by a minute")
    IncidentBook(WorkFolder(migrated.work_dir)).settle(Judgement((condition,)))
    found = not_well(migrated)["alerts"]
    assert (found.verdict, found.figure) == ("failed", "1 open: The sync is behind")
    KeptIncidents(StateStore.of(migrated.work_dir)).discard()


def test_no_server(migrated: NoteMigration) -> None:
    found = items_of(migrated, "--weaviate-url", "http://127.0.0.1:1")
    assert found["server"].verdict == "failed"
    assert {found[name].verdict for name in ("aliases", "counts", "search")} == {"skipped"}
    assert found["checks"].verdict == "passed"


def test_no_migration(tmp_path: Path) -> None:
    ended = run_here("postflight", "--work-dir", tmp_path)
    assert ended.code == 2
    assert "`weaviate-migration migrate` begins one" in ended.stderr


@pytest.mark.parametrize(
    ("followed", "verdict"),
    [
        (None, "skipped"),
        (Standing("id", problem="changes may have been missed"), "failed"),
        (Standing("id", changes=3, seconds=LAG_SECONDS + 1), "failed"),
        (Standing("id", changes=3, seconds=1), "warned"),
        (Standing("id"), "passed"),
    ],
)
def test_a_lag_is_judged_by_its_age(followed: Standing | None, verdict: str) -> None:
    assert lag(followed).verdict == verdict


def test_a_certificate_that_is_not_there_is_asked_for(migrated: NoteMigration) -> None:
    file = migrated.work_dir / "certificate.json"
    aside = file.rename(file.with_suffix(".aside"))
    try:
        found = not_well(migrated)
    finally:
        aside.rename(file)
    assert list(found) == ["certificate"]
    assert (found["certificate"].verdict, found["certificate"].figure) == ("warned", "there is none yet")
    assert "verify" in found["certificate"].remedy
