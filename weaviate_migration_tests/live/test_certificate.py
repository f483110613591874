"""The certificate that `migrate` writes: the same as `verify`'s, and only where everything was compared and passed."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import weaviate

from weaviate_migration.target.server import ServerAddress
from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.live.command_line import at, run_here
from weaviate_migration_tests.live.library import LibraryMigration
from weaviate_migration_tests.live.notes import NoteMigration, add_notes, make_mapping, note_file
from weaviate_migration_tests.live.test_dagster_runs import materialize, run_checks


def certificate_of(work_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work_dir / "certificate.json").read_text(encoding="utf-8"))
    return found


def test_it_is_the_one_that_verify_writes(
    tmp_path: Path, server: ServerAddress, client: weaviate.WeaviateClient
) -> None:
    """But for the times of the comparison."""
    library = LibraryMigration.make(tmp_path, server, client)
    migrated = library.migrate()
    assert migrated.code == 0, migrated.stderr
    assert migrated.json["certificate"] == str(library.work_dir / "certificate.json")
    written = certificate_of(library.work_dir)
    verified = library.verify()
    assert verified.json["certificate"] == migrated.json["certificate"]
    again = certificate_of(library.work_dir)
    assert written.pop("compared")["completed_at"] < again.pop("compared")["began_at"]
    assert written == again
    assert written["identical"]


def test_its_times_are_within_the_migration_and_people_are_told(notes: NoteMigration) -> None:
    ended = run_here("migrate", *notes.options)
    assert ended.code == 0, ended.stderr
    assert "certificate.json" in ended.stderr
    taken_at = datetime.fromisoformat(certificate_of(notes.work_dir)["snapshot"]["taken_at"])
    compared = {name: datetime.fromisoformat(text) for name, text in certificate_of(notes.work_dir)["compared"].items()}
    assert taken_at < compared["began_at"] <= compared["completed_at"]


def test_a_snapshot_that_is_not_kept_is_in_it(notes: NoteMigration) -> None:
    ended = run_here("migrate", *notes.options, "--no-backup", "--json")
    assert ended.code == 0, ended.stderr
    assert not list((notes.work_dir / "snapshots").iterdir())
    note = certificate_of(notes.work_dir)["collections"]["Note"]
    assert (note["snapshot_rows"], note["objects"]) == (64, 64)


def test_a_migration_that_goes_on_and_fails_has_none(notes: NoteMigration, client: weaviate.WeaviateClient) -> None:
    first = run_here("migrate", *notes.options, "--no-cutover", "--json")
    assert first.json["certificate"] is not None
    (name,) = WorkFolder(notes.work_dir).records.current().targets.values()
    collection = client.collections.use(name)
    collection.data.update(next(collection.iterator()).uuid, properties={"size": 999})
    failed = run_here("migrate", *notes.options, "--json")
    assert (failed.code, failed.json["certificate"]) == (3, None)
    assert not (notes.work_dir / "certificate.json").exists()
    mended = run_here("migrate", *notes.options, "--json")
    assert mended.code == 0, mended.stderr
    assert certificate_of(notes.work_dir)["identical"]


def test_refused_rows_are_not_certified_and_nothing_is_for_a_dry_run(notes: NoteMigration) -> None:
    notes.source.unlink()
    note_file(notes.source, table="CREATE TABLE notes (id VARCHAR, body TEXT, size INTEGER, created_at DATETIME)")
    add_notes(notes.source, [(None, "no key", 1, None)])
    make_mapping(notes.mapping, more="key: [id]")
    for more in (["--dry-run"], []):
        ended = run_here("migrate", *notes.options, *more, "--json")
        assert (ended.code, ended.json["certificate"]) == (3, None)
    assert not (notes.work_dir / "certificate.json").exists()


def test_changes_that_are_pending_while_all_is_compared(notes: NoteMigration) -> None:
    """They are applied after the checks, which leave them out: what readers find then was not compared in full."""
    first = run_here("migrate", *notes.options, "--live", "--no-cutover", "--json")
    assert first.json["certificate"] is not None
    add_notes(notes.source, [("a later one", "written meanwhile", 1, None)])
    second = run_here("migrate", *notes.options, "--live", "--json")
    assert second.code == 0, second.stderr
    assert second.json["certificate"] is None
    assert not (notes.work_dir / "certificate.json").exists()
    ended = run_here("verify", *notes.source_options[2:], *at(notes.server), "--json")
    assert ended.code == 0, ended.stderr
    assert certificate_of(notes.work_dir)["collections"]["Note"]["objects"] == 65


def test_checks_and_a_backfill_of_one_partition_certify_nothing(
    notes: NoteMigration, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    ended = run_here("migrate", *notes.options)
    assert ended.code == 0, ended.stderr
    (notes.work_dir / "certificate.json").unlink()
    assert run_checks(definitions, instance, "03").success
    assert materialize(definitions, instance, "notes_extract", "note", first="03", last="03").success
    assert not (notes.work_dir / "certificate.json").exists()
