"""`cutover` and `rollback` as commands: what stops the switch, what is written down, and a kill at each step of it."""

import json

import dagster as dg
import pytest
import weaviate

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration.work_folder.quarantine import QuarantinedRow
from weaviate_migration.work_folder.record import MigrationRecord
from weaviate_migration_tests.chaos.killing import Boundary, run_killed
from weaviate_migration_tests.live.command_line import Ended, at, holdings, run_here
from weaviate_migration_tests.live.kept_migration import KeptNotes
from weaviate_migration_tests.live.notes import NoteMigration, note_id
from weaviate_migration_tests.live.test_dagster_runs import materialize, run_checks


def options(notes: NoteMigration) -> list[object]:
    return ["--mapping", notes.mapping, "--work-dir", notes.work_dir, *at(notes.server)]


def cut_over(notes: NoteMigration, *more: object) -> Ended:
    return run_here("cutover", *options(notes), *more)


def record_of(notes: NoteMigration) -> MigrationRecord:
    return WorkFolder(notes.work_dir).records.all()[-1]


def aliases(client: weaviate.WeaviateClient) -> dict[str, str]:
    return holdings(client)[1]


@pytest.fixture
def notes(kept_notes: KeptNotes, client: weaviate.WeaviateClient) -> NoteMigration:  # noqa: ARG001
    return kept_notes.begin()


@pytest.fixture
def loaded(notes: NoteMigration, kept_notes: KeptNotes) -> NoteMigration:
    """A migration that is loaded and proven, and not switched to."""
    ended = kept_notes.migrated("--no-cutover")
    assert "`weaviate-migration cutover` moves them" in ended.stderr
    return notes


def test_cutover_moves_the_aliases_and_tells_where_they_were(
    loaded: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    ended = cut_over(loaded, "--json")
    assert ended.code == 0, ended.stderr
    record = record_of(loaded)
    assert aliases(client) == {"Note": f"Note_{record.id}"}
    assert ended.json["migration_id"] == record.id
    assert ended.json["aliases"] == {"Note": f"Note_{record.id}"}
    assert ended.json["previous_aliases"] == {"Note": None}
    assert (record.state, record.cutover and record.cutover.step) == ("cut over", "switched")
    assert record.cutover is not None
    assert ended.json["switch_seconds"] == record.cutover.switch_seconds
    again = cut_over(loaded)
    assert again.code == 0, again.stderr
    assert record_of(loaded) == record


def stopped(ended: Ended, client: weaviate.WeaviateClient, what: str) -> None:
    """The cutover was refused, with exit code 3, and nothing was moved."""
    assert ended.code == 3, ended.stderr
    assert what in ended.stderr
    assert "Traceback" not in ended.stderr
    assert aliases(client) == {}


def test_a_check_that_failed_in_a_run_of_its_own_stops_it(
    loaded: NoteMigration,
    client: weaviate.WeaviateClient,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
) -> None:
    collection = client.collections.use(f"Note_{record_of(loaded).id}")
    collection.data.update(note_id(0), properties={"body": "altered"})
    assert not run_checks(definitions, instance, "00").success
    stopped(cut_over(loaded), client, "note: every_object, partition 00: failed")
    assert record_of(loaded).cutover is None
    assert run_here("verify", *options(loaded), "--repair").code == 0
    assert cut_over(loaded).code == 0


def test_a_partition_that_was_loaded_again_without_its_checks_stops_it(
    loaded: NoteMigration,
    client: weaviate.WeaviateClient,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
) -> None:
    job = definitions.resolve_job_def("migrate")
    only_load = job.get_subset(asset_selection={dg.AssetKey("note")}, asset_check_selection=set())
    assert only_load.execute_in_process(instance=instance, partition_key="07").success
    ended = cut_over(loaded)
    stopped(ended, client, "note: count, partition 07: out of date")
    assert "`weaviate-migration checks` shows them all" in ended.stderr


def test_what_an_earlier_migration_loaded_proves_nothing(
    notes: NoteMigration,
    client: weaviate.WeaviateClient,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
) -> None:
    assert notes.migrate().code == 0
    before = aliases(client)
    assert materialize(definitions, instance, "weaviate_schema", first="00", last="00").success
    ended = cut_over(notes)
    assert ended.code == 3
    assert "has not loaded everything (note, partitions 00, 01, 02" in ended.stderr
    assert aliases(client) == before


def test_quarantined_rows_stop_it(loaded: NoteMigration, client: weaviate.WeaviateClient) -> None:
    with WorkFolder(loaded.work_dir).quarantine_of(f"Note_{record_of(loaded).id}") as quarantine:
        quarantine.add("03", QuarantinedRow("a", None, "too large", {}))
    stopped(cut_over(loaded), client, "Rows were refused (1 of Note)")


def test_nothing_to_switch_to(notes: NoteMigration) -> None:
    ended = cut_over(notes)
    assert ended.code == 2
    assert "No migration is on record" in ended.stderr


def test_another_mapping_is_refused(loaded: NoteMigration, client: weaviate.WeaviateClient) -> None:
    ended = run_here("cutover", "--mapping", "conversations", "--work-dir", loaded.work_dir, *at(loaded.server))
    assert ended.code == 2
    assert "was begun with another mapping" in ended.stderr
    assert aliases(client) == {}


CUTOVER = "weaviate_migration.phases.cutover.switch"
WAY_BACK = "weaviate_migration.phases.cutover.way_back"
KILLS = {
    "before anything is written down": Boundary(f"{CUTOVER}:Cutover.run", "before", 1),
    "when it has begun": Boundary(f"{CUTOVER}:Cutover._begin", "after", 1),
    "before the switch is written down": Boundary(f"{CUTOVER}:Cutover._switch", "before", 1),
    "when the switch is written down": Boundary(f"{CUTOVER}:point_aliases", "before", 1),
    "when the aliases are moved": Boundary(f"{CUTOVER}:point_aliases", "after", 1),
    "when all is written down": Boundary(f"{CUTOVER}:Cutover._switch", "after", 1),
}


@pytest.mark.parametrize("kill", KILLS)
def test_killed_at_a_step_the_same_command_completes_it(
    loaded: NoteMigration, client: weaviate.WeaviateClient, kill: str
) -> None:
    run_killed(KILLS[kill], "cutover", *options(loaded))
    ended = cut_over(loaded, "--json")
    assert ended.code == 0, ended.stderr
    record = record_of(loaded)
    assert aliases(client) == {"Note": f"Note_{record.id}"}
    assert (record.state, record.cutover and record.cutover.step) == ("cut over", "switched")
    assert record.previous_aliases == {"Note": None}
    back = loaded.roll_back()
    assert back.code == 0, back.stderr
    assert aliases(client) == {}


def test_a_switch_that_was_killed_is_undone_where_something_speaks_against_it_by_now(
    notes: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    assert notes.migrate().code == 0
    before = aliases(client)
    assert notes.migrate("--no-cutover").code == 0
    run_killed(KILLS["when the aliases are moved"], "cutover", *options(notes))
    assert aliases(client) != before
    with WorkFolder(notes.work_dir).quarantine_of(f"Note_{record_of(notes).id}") as quarantine:
        quarantine.add("03", QuarantinedRow("a", None, "too large", {}))
    ended = cut_over(notes)
    assert ended.code == 3
    assert aliases(client) == before
    record = record_of(notes)
    assert (record.state, record.cutover and record.cutover.step) == ("unfinished", "undone")
    WorkFolder(notes.work_dir).quarantine_of(f"Note_{record.id}").discard()
    assert cut_over(notes).code == 0
    assert aliases(client) == {"Note": f"Note_{record.id}"}
    assert record_of(notes).previous_aliases == before


ROLLBACK_KILLS = {
    "before the aliases are moved": Boundary(f"{WAY_BACK}:point_aliases", "before", 1),
    "when they are moved": Boundary(f"{WAY_BACK}:point_aliases", "after", 1),
    "before a collection is removed": Boundary(f"{WAY_BACK}:drop_collection", "before", 1),
    "when a collection is removed": Boundary(f"{WAY_BACK}:drop_collection", "after", 1),
}


@pytest.mark.parametrize("kill", ROLLBACK_KILLS)
def test_rollback_that_was_killed_completes(notes: NoteMigration, client: weaviate.WeaviateClient, kill: str) -> None:
    assert notes.migrate().code == 0
    earlier = holdings(client)
    assert notes.migrate().code == 0
    run_killed(ROLLBACK_KILLS[kill], "rollback", "--work-dir", notes.work_dir, *at(notes.server), "--discard")
    ended = notes.roll_back("--discard")
    assert ended.code == 0, ended.stderr
    assert holdings(client) == earlier
    assert [each.state for each in WorkFolder(notes.work_dir).records.all()] == ["cut over", "discarded"]


def test_discarding_touches_nothing_of_others(loaded: NoteMigration, client: weaviate.WeaviateClient) -> None:
    """Collections and aliases beside it, with names much like its own; also one that says that we made it."""
    assert cut_over(loaded).code == 0
    record = record_of(loaded)
    own = f"Note_{record.id}"
    another = json.dumps({"migration": "20200101T000000", "source": str(loaded.source), "mapping": "m"})
    others = [f"{own}_", f"{own}2", "Note_20200101T000000", "Notes", "XNote"]
    for name in others:
        client.collections.create(name, description=f"[weaviate-migration {another}]")
    client.alias.create(alias_name="NoteArchive", target_collection="Notes")
    client.alias.create(alias_name="Note_", target_collection=f"{own}_")
    ended = loaded.roll_back("--discard", "--json")
    assert ended.code == 0, ended.stderr
    assert ended.json["removed_collections"] == [own]
    assert holdings(client) == (sorted(others), {"NoteArchive": "Notes", "Note_": f"{own}_"})


def test_an_alias_of_others_on_our_collection_keeps_nobody_from_discarding(
    loaded: NoteMigration, client: weaviate.WeaviateClient
) -> None:
    own = f"Note_{record_of(loaded).id}"
    client.alias.create(alias_name="Mine", target_collection=own)
    assert loaded.roll_back("--discard").code == 0
    assert own not in client.collections.list_all()
