"""A migration whose files are in a bucket, gone on with on another machine: one whose work folder is another one."""

from pathlib import Path

import pytest

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.cluster.s3_server import S3Server
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.notes import NoteMigration


def names_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.mark.usefixtures("client")
def test_a_migration_whose_files_are_in_a_bucket(
    notes: NoteMigration, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = s3_server.new_bucket()
    migrated = notes.migrate("--storage", bucket, "--no-cutover", "--json")
    assert migrated.code == 0, migrated.stderr
    assert migrated.json["certificate"] == f"{bucket}/certificate.json"
    assert migrated.json["backup"]["path"] == f"{bucket}/snapshots/{migrated.json['migration_id']}.sqlite"
    files = WorkFolder(notes.work_dir, bucket)
    assert {"extracts", "snapshots", "quarantine", "certificate.json"}.isdisjoint(names_in(notes.work_dir))
    (copy,) = files.snapshot_copies.folder.glob("*.sqlite")
    copy.unlink()  # As on a machine that has not read it yet.
    verified = run_here("verify", *notes.options, "--storage", bucket, "--json")
    assert (verified.code, verified.json["total_differences"]) == (0, 0)
    assert copy.exists()
    assert run_here("cutover", *notes.options, "--storage", bucket).code == 0
    assert run_here("cleanup", *notes.options, "--storage", bucket, "--yes").code == 0
    left = {each.name for each in files.files.iterdir()}
    assert left <= {"certificate.json", "report.html", "report.md"}
    assert not files.snapshot_copies.folder.exists()
