"""A migration with its state in PostgreSQL and its files in a bucket: another machine goes on with what one began.

Each of them is a work folder of its own here; they share Dagster's home, as with a PostgreSQL of its own.
"""

import shutil
from pathlib import Path

import pytest

from weaviate_migration.work_folder.folder import WorkFolder
from weaviate_migration_tests.cluster.postgres_server import PostgresServer
from weaviate_migration_tests.cluster.s3_server import S3Server
from weaviate_migration_tests.live.command_line import run_here
from weaviate_migration_tests.live.notes import NoteMigration

LARGE_FILES = {"extracts", "snapshots", "quarantine", "certificate.json", "report.html"}


def names_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.mark.usefixtures("client")
def test_another_machine_goes_on(
    notes: NoteMigration, s3_server: S3Server, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    (home := notes.folder / "dagster_home").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    bucket, state = s3_server.new_bucket(), postgres_server.new_database()
    shared = ["--storage", bucket, "--state-url", state]
    migrated = notes.migrate(*shared, "--no-cutover", "--json")
    assert migrated.code == 0, migrated.stderr
    assert migrated.json["certificate"] == f"{bucket}/certificate.json"
    assert migrated.json["backup"]["path"] == f"{bucket}/snapshots/{migrated.json['migration_id']}.sqlite"
    assert names_in(notes.work_dir) & {*LARGE_FILES, "state.sqlite"} == set()
    (copy,) = (notes.work_dir / "snapshot_copies").glob("*.sqlite")

    other = WorkFolder(notes.folder / "other", bucket, state_url=state)
    options = [*notes.options, *shared, "--work-dir", other.path]
    verified = run_here("verify", *options, "--json")
    assert (verified.code, verified.json["total_differences"]) == (0, 0), verified.stderr
    assert (other.path / "snapshot_copies" / copy.name).read_bytes() == copy.read_bytes()
    shutil.rmtree(other.path / "scratch")  # As on a machine that has only been asked.
    assert run_here("cutover", *options).code == 0
    looked = run_here("postflight", *options, "--json")
    assert looked.code == 0, looked.stderr
    assert run_here("report", *options).code == 0
    assert run_here("cleanup", *options, "--yes").code == 0
    assert {each.name for each in other.files.iterdir()} <= {"certificate.json", "report.html", "report.md"}
    assert not (other.path / "snapshot_copies").exists()
